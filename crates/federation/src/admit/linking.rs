//! Links between users and identities.

use serde_json::{Value, json};
use vestibule_accounts::{Caller, Error, Result};
use vestibule_model::{AuditRecord, DomainName, Email, Name, SessionId, SsoIdentity, User, UserId};
use vestibule_sso::Identity;
use vestibule_store::Write;

use super::request::{AdmissionRequest, Found};
use crate::Sso;

impl Sso {
    /// Refuses a link whose session has ended since it started: a thief who lost the session must
    /// not come back through another way to sign in.
    pub(crate) async fn check_linking_session(
        &self,
        write: &mut Write,
        user: UserId,
        session: SessionId,
    ) -> Result<()> {
        let accounts = self.accounts();
        let now = accounts.now();
        let idle_since = now.before(accounts.lifetimes().session_idle);
        // The user before the session: the order of locks that all transactions use.
        let stands =
            write.hold_user(user).await? && write.hold_session(session, now, idle_since).await?;
        if stands {
            Ok(())
        } else {
            Err(Error::CredentialEnded)
        }
    }

    pub(crate) fn new_user(&self, email: Email, identity: &Identity) -> User {
        let accounts = self.accounts();
        let claim = |name: &str| identity.claims.get(name).and_then(Value::as_str);
        let name = |text: Option<&str>| text.and_then(|text| text.parse::<Name>().ok());
        // A family name alone would be shown as a first name; without a given name, the full
        // name stands in for both.
        let given = name(claim("given_name"));
        User {
            id: UserId::mint(accounts.clock(), accounts.entropy()),
            email,
            last_name: given.as_ref().and_then(|_| name(claim("family_name"))),
            first_name: given.or_else(|| name(identity.name.as_deref())),
            created_at: accounts.now(),
            suspended_at: None,
        }
    }

    pub(crate) async fn insert_link(
        &self,
        write: &mut Write,
        request: &AdmissionRequest<'_>,
        user: &User,
        found: Found,
        records: &mut Vec<AuditRecord>,
    ) -> Result<()> {
        let AdmissionRequest {
            connection,
            identity,
            ..
        } = *request;
        let other = write
            .subject_of(connection.id, &identity.issuer, user.id)
            .await?;
        if other.is_some() {
            // Addresses are reassigned (OpenID Connect Core, 5.7): a new employee with the mailbox of
            // a former one must not get that one's account.
            return Err(Error::denied(
                "identity_differs",
                "The account belongs to another person of the identity provider; an administrator \
                 can part them.",
            ));
        }
        let now = self.accounts().now();
        let link = SsoIdentity {
            connection_id: connection.id,
            organization_id: connection.organization_id,
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            user_id: user.id,
            created_at: now,
            last_used_at: now,
        };
        write.insert_identity(&link).await?;
        let details = json!({
            "connection": connection.id,
            "issuer": link.issuer,
            "subject": link.subject,
            "by": found.as_str(),
        });
        records.push(self.record(request, "sso.identity_linked", user.id, &details));
        Ok(())
    }
}

/// Returns the e-mail address that may lead to an account: verified by the provider
/// (`email_verified`, OpenID Connect Core, 5.1), in a domain that the organisation has verified
/// here.
pub(crate) async fn proved_address(
    write: &mut Write,
    caller: &Caller,
    identity: &Identity,
) -> Result<Email> {
    let refused = |message: &str| Err(Error::denied("email_not_proved", message));
    let Some(verified) = identity.verified_email() else {
        return refused(
            "The identity provider does not say that it has proved an e-mail address of this \
             person (email_verified must be the JSON value true).",
        );
    };
    let email = verified.address().clone();
    // The provider's word counts for the organisation's own domains only: else it could name any
    // user's address and take the account over.
    let proved = match DomainName::of(&email) {
        Some(domain) => write.is_domain_verified(caller.scope(), &domain).await?,
        None => false,
    };
    if proved {
        Ok(email)
    } else {
        refused("The organisation has not proved the domain of this person's e-mail address.")
    }
}
