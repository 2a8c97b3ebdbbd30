//! Whom a person of a provider is here, and what the person becomes.
//!
//! The identity says who it is: connection, issuer, subject. An address leads to an account only
//! within a domain that this organisation has proved, and only if the provider says with the JSON
//! value `true` that it was proved there. Nothing else that a provider tells makes anything here
//! but by the mapping.

use serde_json::{Map, Value, json};
use vestibule_model::{
    AuditRecord, Change, ConnectionSettings, DomainName, Email, GroupId, Membership, Name, Role,
    SsoConnection, SsoIdentity, User, UserId,
};
use vestibule_sso::Identity;
use vestibule_store::Write;

use super::Sso;
use crate::{Caller, Error, Result};

/// How the user was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Linked before.
    Known,
    /// By the address, and linked now.
    ByMail,
    /// By the own act of a signed-in user, and linked now.
    ByOwnAct,
    /// Not at all, and made now.
    Created,
}

impl Found {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::ByMail => "by_mail",
            Self::ByOwnAct => "by_own_act",
            Self::Created => "created",
        }
    }
}

/// Somebody who may come in, in a transaction that is still open.
pub(super) struct Admission {
    pub(super) write: Write,
    pub(super) records: Vec<AuditRecord>,
    pub(super) user: User,
    pub(super) found: Found,
    pub(super) joined: bool,
    pub(super) role: Role,
    pub(super) groups: Vec<GroupId>,
}

/// What an admission goes by.
pub(super) struct Arrival<'a> {
    pub(super) caller: &'a Caller,
    pub(super) connection: &'a SsoConnection,
    pub(super) settings: &'a ConnectionSettings,
    pub(super) identity: &'a Identity,
    /// The signed-in user who links the identity.
    pub(super) linking: Option<UserId>,
}

impl Sso {
    /// Finds or makes the user and the membership, in a transaction that the caller commits, or
    /// drops for a test.
    pub(super) async fn admit(&self, arrival: &Arrival<'_>) -> Result<Admission> {
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
        let mut records = Vec::new();
        let (user, found) = self.find(&mut write, arrival, &mut records).await?;
        if user.suspended_at.is_some() {
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
            if linking.is_some_and(|user| user != known.user_id) {
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
        if let Some(linking) = linking {
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

    fn new_user(&self, email: Email, identity: &Identity) -> User {
        let accounts = self.accounts();
        let claim = |name: &str| identity.claims.get(name).and_then(Value::as_str);
        let name = |text: Option<&str>| text.and_then(|text| text.parse::<Name>().ok());
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

    async fn insert_link(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        found: Found,
        records: &mut Vec<AuditRecord>,
    ) -> Result<()> {
        let Arrival {
            connection,
            identity,
            ..
        } = *arrival;
        let other = write
            .subject_of(connection.id, &identity.issuer, user.id)
            .await?;
        if other.is_some() {
            // A mailbox that was given to somebody else does not lead to the former owner.
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
        records.push(self.record(arrival, "sso.identity_linked", user.id, &details));
        Ok(())
    }

    async fn join(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        records: &mut Vec<AuditRecord>,
    ) -> Result<Role> {
        if !arrival.settings.just_in_time {
            return Err(not_a_member());
        }
        let role = arrival.settings.role_of(&arrival.identity.groups);
        write
            .insert_membership(&Membership {
                organization_id: arrival.caller.organization_id(),
                user_id: user.id,
                role,
                created_at: self.accounts().now(),
                deactivated_at: None,
            })
            .await?;
        self.accounts().keep_seats(write, arrival.caller).await?;
        write.change(Change::User(user.id));
        let details = json!({ "after": { "role": role }, "by": "sso" });
        records.push(self.record(arrival, "member.added", user.id, &details));
        Ok(role)
    }

    /// Owners are made and unmade by owners alone.
    async fn map_role(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        before: Role,
        records: &mut Vec<AuditRecord>,
    ) -> Result<Role> {
        let settings = arrival.settings;
        if settings.role_by_group.is_empty() || before == Role::Owner {
            return Ok(before);
        }
        let role = settings.role_of(&arrival.identity.groups);
        if role != before {
            let scope = arrival.caller.scope();
            write.set_role(scope, user.id, role).await?;
            write.change(Change::User(user.id));
            let details = json!({
                "before": { "role": before },
                "after": { "role": role },
                "by": "sso",
            });
            records.push(self.record(arrival, "member.role_changed", user.id, &details));
        }
        Ok(role)
    }

    /// The groups that the mapping names are what the provider says; others are left alone.
    async fn map_groups(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        records: &mut Vec<AuditRecord>,
    ) -> Result<()> {
        let mapped = arrival.settings.mapped_groups();
        if mapped.is_empty() {
            return Ok(());
        }
        let (scope, now) = (arrival.caller.scope(), self.accounts().now());
        let wanted = arrival.settings.groups_of(&arrival.identity.groups);
        let present = write.groups_of(scope, user.id).await?;
        for id in mapped {
            let kind = match (wanted.contains(&id), present.contains(&id)) {
                (true, false) if write.add_group_member(scope, id, user.id, now).await? => {
                    "group.member_added"
                }
                (false, true) if write.remove_group_member(scope, id, user.id).await? => {
                    "group.member_removed"
                }
                // As it should be, or a group that is no longer there.
                _ => continue,
            };
            write.change(Change::User(user.id));
            let details = json!({ "user": user.id, "by": "sso" });
            records.push(self.record(arrival, kind, id, &details));
        }
        Ok(())
    }

    fn record(
        &self,
        arrival: &Arrival<'_>,
        kind: &'static str,
        subject: impl std::fmt::Display,
        details: &Value,
    ) -> AuditRecord {
        let organization = Some(arrival.caller.organization_id());
        let actor = arrival.caller.actor();
        let subject = Some(subject.to_string());
        self.accounts()
            .record(actor, organization, kind, subject, details)
    }
}

/// The address that may lead to an account: proved to the provider, in a domain that was proved
/// to us.
async fn proved_address(write: &mut Write, caller: &Caller, identity: &Identity) -> Result<Email> {
    let refused = |message: &str| Err(Error::denied("email_not_proved", message));
    let Some(verified) = identity.verified_email() else {
        return refused(
            "The identity provider does not say that it has proved an e-mail address of this \
             person (email_verified must be the JSON value true).",
        );
    };
    let email = verified.address().clone();
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

fn not_a_member() -> Error {
    Error::denied(
        "not_a_member",
        "This person is not a member of the organisation, and it takes nobody in at sign-in; ask \
         an administrator.",
    )
}

/// The claims that a test shows: without those that are of use to nobody else.
pub(super) fn shown(claims: &Map<String, Value>) -> Map<String, Value> {
    let hidden = ["nonce", "at_hash", "c_hash", "s_hash"];
    let mut shown = claims.clone();
    shown.retain(|name, _| !hidden.contains(&name.as_str()));
    shown
}
