//! Admission: finds or creates the user and the membership of an identity.
//!
//! An identity is the triple of connection, issuer and subject (OpenID Connect Core, 5.7). An
//! e-mail address leads to an existing account only if the organisation has verified its domain and
//! the provider states with the JSON value `true` that it verified the address. Other claims have
//! an effect only through the mapping.

use serde_json::{Map, Value, json};
use vestibule_accounts::{Error, Result};
use vestibule_model::{AuditRecord, Membership, User};
use vestibule_store::Write;

use super::linking::proved_address;
use super::request::{Admission, AdmissionRequest, Found, not_a_member};
use crate::{NO_CONNECTION, Sso};

impl Sso {
    /// Finds or creates the user and the membership, and applies the mapping of roles and groups.
    /// The caller commits the transaction, or drops it for a test.
    pub(crate) async fn admit(&self, request: &AdmissionRequest<'_>) -> Result<Admission> {
        let accounts = self.accounts();
        let AdmissionRequest {
            caller, settings, ..
        } = *request;
        let mut write = accounts.begin_locked(caller).await?;
        // Read under the lock; the organisation may have been deactivated since the callback.
        let organization = write.organization(caller.organization_id()).await?;
        if organization.is_none_or(|it| it.deactivated_at.is_some()) {
            return Err(Error::denied(
                "organization_deactivated",
                "The organisation is deactivated; ask the operator.",
            ));
        }
        if let Some((user, session)) = request.linking {
            self.check_linking_session(&mut write, user, session)
                .await?;
        }
        let mut records = Vec::new();
        let (user, found) = self.find(&mut write, request, &mut records).await?;
        // Holds the user: a transaction that ends all their sessions waits for this one, and then
        // finds the session that starts here.
        if !write.hold_user(user.id).await? {
            return Err(Error::denied(
                "user_suspended",
                "The user is suspended; ask an administrator.",
            ));
        }
        let membership = write.membership(caller.scope(), user.id).await?;
        let (joined, mut role) = match membership {
            Some(Membership {
                deactivated_at: None,
                role,
                ..
            }) => (false, role),
            Some(_) => {
                return Err(Error::denied(
                    "membership_ended",
                    "The membership is deactivated; ask an administrator.",
                ));
            }
            None => {
                let role = self.join(&mut write, request, &user, &mut records).await?;
                (true, role)
            }
        };
        // Linking adds a way in and changes no rights; the next sign-in applies the mapping.
        if found != Found::ByOwnAct {
            role = self
                .map_role(&mut write, request, &user, role, &mut records)
                .await?;
            self.map_groups(&mut write, request, &user, &mut records)
                .await?;
        }
        let groups = settings.groups_of(&request.identity.groups);
        Ok(Admission {
            write,
            records,
            user,
            found,
            joined,
            role,
            groups,
        })
    }

    async fn find(
        &self,
        write: &mut Write,
        request: &AdmissionRequest<'_>,
        records: &mut Vec<AuditRecord>,
    ) -> Result<(User, Found)> {
        let AdmissionRequest {
            caller,
            connection,
            settings,
            identity,
            linking,
        } = *request;
        let known = write
            .identity(connection.id, &identity.issuer, &identity.subject)
            .await?;
        if let Some(known) = known {
            // An identity has one user: linking it again must not move it silently.
            if linking.is_some_and(|(user, _)| user != known.user_id) {
                return Err(Error::conflict(
                    "identity_taken",
                    "Another user is linked with this person of the identity provider.",
                ));
            }
            let now = self.accounts().now();
            // Shown to administrators, so that they can tell dead links from live ones.
            write.touch_identity(&known, now).await?;
            let user = write.user(known.user_id).await?;
            let user = user.ok_or_else(|| Error::internal("an identity without a user"))?;
            return Ok((user, Found::Known));
        }
        if let Some((linking, _)) = linking {
            let user = write.user(linking).await?.ok_or(Error::CredentialEnded)?;
            let member = write.membership(caller.scope(), linking).await?;
            if member.is_none_or(|it| it.deactivated_at.is_some()) {
                return Err(not_a_member());
            }
            self.insert_link(write, request, &user, Found::ByOwnAct, records)
                .await?;
            return Ok((user, Found::ByOwnAct));
        }

        // Only for identities not linked yet: later changes of the address move no link.
        let email = proved_address(write, caller, identity).await?;
        if let Some(user) = write.user_by_email(&email).await? {
            self.insert_link(write, request, &user, Found::ByMail, records)
                .await?;
            return Ok((user, Found::ByMail));
        }
        if !settings.just_in_time {
            return Err(Error::denied(
                "no_account",
                "There is no account for this person, and the organisation does not make one at \
                 sign-in; ask an administrator for one.",
            ));
        }
        let user = self.new_user(email, identity);
        write.insert_user(&user, None).await?;
        let details = json!({ "after": { "email": user.email, "password": false }, "by": "sso" });
        records.push(self.record(request, "user.created", user.id, &details));
        self.insert_link(write, request, &user, Found::Created, records)
            .await?;
        Ok((user, Found::Created))
    }
}

/// Refuses an identity if its connection was disabled or deleted since the callback began.
pub(crate) async fn check_enabled(write: &mut Write, request: &AdmissionRequest<'_>) -> Result<()> {
    let found = write.connection(request.caller.scope(), request.connection.id);
    match found.await? {
        Some((connection, _)) if connection.is_enabled() => Ok(()),
        _ => Err(NO_CONNECTION),
    }
}

/// Returns the claims that a report shows: all but nonces and hashes, which help nobody else.
pub(crate) fn shown(claims: &Map<String, Value>) -> Map<String, Value> {
    let hidden = ["nonce", "at_hash", "c_hash", "s_hash"];
    let mut shown = claims.clone();
    shown.retain(|name, _| !hidden.contains(&name.as_str()));
    shown
}
