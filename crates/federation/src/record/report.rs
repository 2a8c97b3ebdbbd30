//! What a test sign-in shows.

use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_accounts::{Error, Result};
use vestibule_model::{ConnectionId, Email, GroupId, Role, UserId};
use vestibule_sso::Identity;

use crate::admit::admission::shown;
use crate::admit::arrival::{Arrival, Found};
use crate::{Sso, Which};

/// What a test sign-in shows. Nobody was created and nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The settings that were tested.
    pub settings: Which,
    /// Who vouched.
    pub issuer: String,
    /// For whom.
    pub subject: String,
    /// The address that was told.
    pub email: Option<Email>,
    /// Whether the provider says that it was proved.
    pub email_verified: bool,
    /// What the person is called.
    pub name: Option<String>,
    /// The provider's groups.
    pub groups: Vec<String>,
    /// Everything that was told.
    pub claims: Map<String, Value>,
    /// What a sign-in would have done.
    pub outcome: TestOutcome,
}

/// What a sign-in would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestOutcome {
    /// Whether the person would have come in.
    pub admitted: bool,
    /// Why not, for programs.
    pub reason: Option<&'static str>,
    /// What would have happened, in one sentence.
    pub detail: String,
    /// The user, where there is one already.
    pub user_id: Option<UserId>,
    /// Whether a user would have been made.
    pub creates_user: bool,
    /// Whether the user would have become a member.
    pub joins: bool,
    /// The role that the user would have had.
    pub role: Option<Role>,
    /// The groups that the mapping would have put the user into.
    pub groups: Vec<GroupId>,
}

impl Sso {
    /// Does all that a sign-in does, and undoes it.
    pub(crate) async fn report(&self, arrival: &Arrival<'_>, which: Which) -> Result<TestReport> {
        let outcome = match self.admit(arrival).await {
            Ok(admission) => {
                let made = admission.found == Found::Created;
                let detail = match admission.found {
                    Found::Known => "would sign in the user who is linked already",
                    Found::ByMail => "would link the user with this address and sign in",
                    Found::ByOwnAct => "would link the signed-in user",
                    Found::Created => "would make a new user and sign in",
                };
                TestOutcome {
                    admitted: true,
                    reason: None,
                    detail: detail.to_owned(),
                    user_id: (!made).then_some(admission.user.id),
                    creates_user: made,
                    joins: admission.joined,
                    role: Some(admission.role),
                    groups: admission.groups,
                }
                // The transaction is dropped here, and with it everything in it.
            }
            Err(
                error @ (Error::Unavailable(_)
                | Error::Uncertain(_)
                | Error::Full(_)
                | Error::Internal(_)),
            ) => return Err(error),
            Err(error) => TestOutcome {
                admitted: false,
                reason: Some(error.reason()),
                detail: error.to_string(),
                user_id: None,
                creates_user: false,
                joins: false,
                role: None,
                groups: Vec::new(),
            },
        };
        let Identity {
            issuer,
            subject,
            email,
            name,
            groups,
            claims,
            ..
        } = arrival.identity;
        Ok(TestReport {
            connection_id: arrival.connection.id,
            settings: which,
            issuer: issuer.clone(),
            subject: subject.clone(),
            email: email.as_ref().map(|email| email.address.clone()),
            email_verified: email.as_ref().is_some_and(|email| email.verified),
            name: name.clone(),
            groups: groups.clone(),
            claims: shown(claims),
            outcome,
        })
    }
}
