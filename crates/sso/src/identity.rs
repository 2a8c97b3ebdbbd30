//! The identity that a provider vouches for.

use serde_json::{Map, Value};
use vestibule_model::{Email, Timestamp};

/// A person as the provider describes them. Only `(issuer, subject)` identifies the person (OpenID
/// Connect Core, 5.7); everything else may change.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer.
    pub issuer: String,
    /// The subject: unique at this issuer and never reassigned.
    pub subject: String,
    /// The `sub` of the provider's tokens: the same as [`subject`](Self::subject), unless the
    /// mapping reads the subject from another claim.
    pub provider_subject: String,
    /// The e-mail address, if the provider sent one.
    pub email: Option<ClaimedEmail>,
    /// The person's name.
    pub name: Option<String>,
    /// The groups at the provider. They have no effect until a mapping names them.
    pub groups: Vec<String>,
    /// The provider's session (`sid`), by which a logout token may end ours.
    pub session: Option<String>,
    /// The time of the sign-in at the provider, if it was sent.
    pub authenticated_at: Option<Timestamp>,
    /// The ID token, for the sign-out at the provider. Personal data: keep it sealed.
    pub id_token: Option<String>,
    /// All claims, for the report of a test sign-in.
    pub claims: Map<String, Value>,
}

/// An e-mail address and the provider's statement about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEmail {
    /// The address.
    pub address: Email,
    /// True if `email_verified` is the JSON value `true` in the same document.
    pub verified: bool,
}

/// An e-mail address that the provider states to have verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEmail(Email);

impl VerifiedEmail {
    /// The address.
    pub fn address(&self) -> &Email {
        &self.0
    }
}

impl Identity {
    /// Returns the address if the provider states to have verified it. No other address may lead to
    /// an existing account.
    pub fn verified_email(&self) -> Option<VerifiedEmail> {
        let email = self.email.as_ref().filter(|email| email.verified)?;
        Some(VerifiedEmail(email.address.clone()))
    }
}

/// Prints the identity, but neither token nor claims.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
