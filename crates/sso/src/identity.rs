//! Who signed in, as the provider says.

use serde_json::{Map, Value};
use vestibule_model::{Email, Timestamp};

/// A person as the provider vouches for: `(issuer, subject)` is who it is, all else is told about
/// them and may change.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Whom it means; unique and never reassigned at this provider.
    pub subject: String,
    /// What the provider itself calls the person in its tokens (`sub`): the same as
    /// [`subject`](Self::subject), unless the mapping takes that from another claim.
    pub provider_subject: String,
    /// The e-mail address, if one was told.
    pub email: Option<ClaimedEmail>,
    /// What the person is called.
    pub name: Option<String>,
    /// The groups the provider puts them in. They mean nothing here until a mapping says so.
    pub groups: Vec<String>,
    /// The provider's session (`sid`), by which it may end ours.
    pub session: Option<String>,
    /// When they signed in at the provider, if it was told.
    pub authenticated_at: Option<Timestamp>,
    /// The ID token, which the provider wants back at sign-out. Personal data: keep it sealed.
    pub id_token: Option<String>,
    /// Everything that was told, for the test of a connection.
    pub claims: Map<String, Value>,
}

/// An e-mail address and whether the provider says that it was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEmail {
    /// The address.
    pub address: Email,
    /// Whether `email_verified` is the JSON value `true` in the same document.
    pub verified: bool,
}

/// An e-mail address that its provider says was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEmail(Email);

impl VerifiedEmail {
    /// The address.
    pub fn address(&self) -> &Email {
        &self.0
    }
}

impl Identity {
    /// The address, if the provider says that it was proved: the only one that may lead to an
    /// existing account.
    pub fn verified_email(&self) -> Option<VerifiedEmail> {
        let email = self.email.as_ref().filter(|email| email.verified)?;
        Some(VerifiedEmail(email.address.clone()))
    }
}

/// Prints who it is, and neither token nor claims.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
