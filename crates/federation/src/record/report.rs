//! The report of a test sign-in.

use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_accounts::{Error, Result};
use vestibule_model::{ConnectionId, Email, GroupId, Role, UserId};
use vestibule_sso::Identity;

use crate::admit::admission::shown;
use crate::admit::request::{AdmissionRequest, Found};
use crate::{SettingsVersion, Sso};

/// The report of a test sign-in, which created and changed nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The version of the settings that was tested.
    pub settings: SettingsVersion,
    /// The issuer.
    pub issuer: String,
    /// The subject at the issuer.
    pub subject: String,
    /// The e-mail address in the claims.
    pub email: Option<Email>,
    /// True if the provider states that the address was verified.
    pub email_verified: bool,
    /// The person's name.
    pub name: Option<String>,
    /// The person's groups at the provider.
    pub groups: Vec<String>,
    /// All claims, without nonces and hashes.
    pub claims: Map<String, Value>,
    /// The result that a sign-in would have had.
    pub outcome: TestOutcome,
}

/// The result that a sign-in would have had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestOutcome {
    /// True if the person would have been signed in.
    pub admitted: bool,
    /// The stable reason of a refusal.
    pub reason: Option<&'static str>,
    /// The result in one sentence.
    pub detail: String,
    /// The user, if one exists.
    pub user_id: Option<UserId>,
    /// True if a user would have been created.
    pub creates_user: bool,
    /// True if the user would have become a member.
    pub joins: bool,
    /// The role of the user.
    pub role: Option<Role>,
    /// The groups that the mapping adds the user to.
    pub groups: Vec<GroupId>,
}

impl Sso {
    /// Runs an admission and rolls it back.
    pub(crate) async fn report(
        &self,
        request: &AdmissionRequest<'_>,
        which: SettingsVersion,
    ) -> Result<TestReport> {
        let outcome = match self.admit(request).await {
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
                // Dropping the transaction rolls the admission back.
            }
            // These say nothing about the person, so they are no result of a test.
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
        } = request.identity;
        Ok(TestReport {
            connection_id: request.connection.id,
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
