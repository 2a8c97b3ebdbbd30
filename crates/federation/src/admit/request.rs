//! The input and the result of an admission.

use serde_json::Value;
use vestibule_accounts::{Caller, Error};
use vestibule_model::{
    AuditRecord, ConnectionSettings, GroupId, Role, SessionId, SsoConnection, User, UserId,
};
use vestibule_sso::Identity;
use vestibule_store::Write;

use crate::Sso;

/// The way in which the user was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// By an existing link.
    Known,
    /// By the e-mail address, and linked now.
    ByMail,
    /// By the signed-in user's own request, and linked now.
    ByOwnAct,
    /// Created now, and linked.
    Created,
}

impl Found {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::ByMail => "by_mail",
            Self::ByOwnAct => "by_own_act",
            Self::Created => "created",
        }
    }
}

/// An admitted user, in a transaction that is still open.
pub(crate) struct Admission {
    pub(crate) write: Write,
    pub(crate) records: Vec<AuditRecord>,
    pub(crate) user: User,
    pub(crate) found: Found,
    pub(crate) joined: bool,
    pub(crate) role: Role,
    pub(crate) groups: Vec<GroupId>,
}

/// An identity to be admitted.
pub(crate) struct AdmissionRequest<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) connection: &'a SsoConnection,
    pub(crate) settings: &'a ConnectionSettings,
    pub(crate) identity: &'a Identity,
    /// The signed-in user who links the identity, and the session that started the link.
    pub(crate) linking: Option<(UserId, SessionId)>,
}

impl Sso {
    /// Builds the audit record of a change that an admission makes.
    pub(super) fn record(
        &self,
        request: &AdmissionRequest<'_>,
        kind: &'static str,
        subject: impl std::fmt::Display,
        details: &Value,
    ) -> AuditRecord {
        let organization = Some(request.caller.organization_id());
        let actor = request.caller.actor();
        let subject = Some(subject.to_string());
        self.accounts()
            .record(actor, organization, kind, subject, details)
    }
}

pub(super) fn not_a_member() -> Error {
    Error::denied(
        "not_a_member",
        "This person is not a member of the organisation, and it takes nobody in at sign-in; ask \
         an administrator.",
    )
}
