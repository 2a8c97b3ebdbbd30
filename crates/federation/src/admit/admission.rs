//! Whom a person of a provider is here, and what the person becomes.
//!
//! The identity says who it is: connection, issuer, subject. An address leads to an account only
//! within a domain that this organisation has proved, and only if the provider says with the JSON
//! value `true` that it was proved there. Nothing else that a provider tells makes anything here
//! but by the mapping.

use serde_json::{Map, Value, json};
use vestibule_accounts::{Error, Result};
use vestibule_model::{AuditRecord, Membership, User};
use vestibule_store::Write;

use super::arrival::{Admission, Arrival, Found, not_a_member};
use super::linking::proved_address;
use crate::{NO_CONNECTION, Sso};

impl Sso {
    /// Finds or makes the user and the membership, in a transaction that the caller commits, or
    /// drops for a test.
    pub(crate) async fn admit(&self, arrival: &Arrival<'_>) -> Result<Admission> {
        let accounts = self.accounts();
        let Arrival {
            caller, settings, ..
        } = *arrival;
        let mut write = accounts.begin_locked(caller).await?;
        let organization = write.organization(caller.organization_id()).await?;
        if organization.is_none_or(|it| it.deactivated_at.is_some()) {
            return Err(Error::denied(
                "organization_deactivated",
                "The organisation is deactivated; ask the operator.",
            ));
        }
        if let Some((user, session)) = arrival.linking {
            self.keep_linking(&mut write, user, session).await?;
        }
        let mut records = Vec::new();
        let (user, found) = self.find(&mut write, arrival, &mut records).await?;
        // Whoever ends the sessions of a user waits for the one that begins here.
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
                let role = self.join(&mut write, arrival, &user, &mut records).await?;
                (true, role)
            }
        };
        if found != Found::ByOwnAct {
            role = self
                .map_role(&mut write, arrival, &user, role, &mut records)
                .await?;
            self.map_groups(&mut write, arrival, &user, &mut records)
                .await?;
        }
        let groups = settings.groups_of(&arrival.identity.groups);
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
        arrival: &Arrival<'_>,
        records: &mut Vec<AuditRecord>,
    ) -> Result<(User, Found)> {
        let Arrival {
            caller,
            connection,
            settings,
            identity,
            linking,
        } = *arrival;
        let known = write
            .identity(connection.id, &identity.issuer, &identity.subject)
            .await?;
        if let Some(known) = known {
            if linking.is_some_and(|(user, _)| user != known.user_id) {
                return Err(Error::conflict(
                    "identity_taken",
                    "Another user is linked with this person of the identity provider.",
                ));
            }
            let now = self.accounts().now();
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
            self.insert_link(write, arrival, &user, Found::ByOwnAct, records)
                .await?;
            return Ok((user, Found::ByOwnAct));
        }

        let email = proved_address(write, caller, identity).await?;
        if let Some(user) = write.user_by_email(&email).await? {
            self.insert_link(write, arrival, &user, Found::ByMail, records)
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
        records.push(self.record(arrival, "user.created", user.id, &details));
        self.insert_link(write, arrival, &user, Found::Created, records)
            .await?;
        Ok((user, Found::Created))
    }
}

/// Refuses whoever comes by a connection that was switched off or removed meanwhile.
pub(crate) async fn keep_enabled(write: &mut Write, arrival: &Arrival<'_>) -> Result<()> {
    let found = write.connection(arrival.caller.scope(), arrival.connection.id);
    match found.await? {
        Some((connection, _)) if connection.is_enabled() => Ok(()),
        _ => Err(NO_CONNECTION),
    }
}

/// The claims that a test shows: without those that are of use to nobody else.
pub(crate) fn shown(claims: &Map<String, Value>) -> Map<String, Value> {
    let hidden = ["nonce", "at_hash", "c_hash", "s_hash"];
    let mut shown = claims.clone();
    shown.retain(|name, _| !hidden.contains(&name.as_str()));
    shown
}
