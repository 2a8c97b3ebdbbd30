//! A password, changed by whom it belongs to.

use serde_json::json;
use vestibule_check::Permit;
use vestibule_credential::{PasswordVerdict, PlainPassword, PlainSecret, SecretKind, frame};
use vestibule_model::{Change, CredentialRef, Digest, UserId};
use vestibule_policy::Refusal;

use crate::caller::credential_stands;
use crate::sign_in::bits_of;
use crate::{Accounts, Error, Operator, Result};

/// The password that somebody has, and the one that it is to be.
#[derive(Debug)]
pub struct PasswordChange {
    /// The present one.
    pub current: PlainPassword,
    /// The new one.
    pub new: PlainPassword,
}

impl Accounts {
    /// Returns true if a user can sign in with a password. For the operator.
    pub async fn has_password(&self, _: &Operator, id: UserId) -> Result<bool> {
        Ok(self.0.store.password_of(id).await?.is_some())
    }

    /// Gives the calling user another password, ends all the user's other sessions, and gives the
    /// calling one a new cookie. API keys stay. Counts as a sign-in towards the limits, so that a
    /// session left open is no place to guess the password.
    ///
    /// `presented` is the digest of the cookie that the permit was given for.
    pub async fn change_password(
        &self,
        permit: &Permit,
        presented: &Digest,
        change: PasswordChange,
    ) -> Result<PlainSecret> {
        let CredentialRef::SessionCookie(session) = permit.credential() else {
            return Err(Error::Forbidden(Refusal::CredentialKind {
                presented: permit.credential().kind(),
                accepts: "the session cookie",
            }));
        };
        let id = permit.user_id();
        let user = self.0.store.user(id).await?;
        let user = user.ok_or(Error::CredentialEnded)?;
        self.0
            .sign_ins_by_email
            .count_stranger(bits_of(&user.email))?;
        let Some(stored) = self.0.store.password_of(id).await? else {
            return Err(Error::conflict(
                "no_password",
                "You have no password here; you sign in through your identity provider.",
            ));
        };
        let verdict = self.verify(&change.current, Some(stored.clone()));
        let verdict = verdict.await?;
        if !matches!(verdict, PasswordVerdict::Match { .. }) {
            return Err(Error::field(
                "current_password",
                "wrong_password",
                "is not your present password",
            ));
        }
        if change.new == change.current {
            return Err(Error::field(
                "new_password",
                "same_password",
                "must be another one than the present",
            ));
        }
        let hash = named("new_password", self.hash_new(change.new).await)?;

        let cookie = frame::mint(&self.0.prefix, SecretKind::Session, self.entropy());
        let now = self.now();
        let mut write = self.begin().await?;
        let unchanged = write.hold_password(id, &stored).await?;
        // What a code would begin is a session, too; the codes go before the sessions.
        write.delete_one_time_codes_of(id, None, None).await?;
        credential_stands(permit, &mut write, now, &self.0.lifetimes).await?;
        let organization = permit.organization_id();
        let rotated = unchanged
            && write
                .rotate_cookie(session, presented, &cookie.digest(), organization, now)
                .await?;
        if !rotated {
            return Err(Error::conflict(
                "session_changed",
                "The session or the password was changed by another request; look again.",
            ));
        }
        write.set_password(id, &hash).await?;
        let ended = write.end_other_sessions_of(id, session, None, now).await?;
        write.change(Change::User(id));
        let details = json!({ "by": "user", "sessions_ended": ended.len() });
        self.commit_as(
            write,
            &permit.actor(),
            Some(organization),
            "user.password_changed",
            id.to_string(),
            &details,
        )
        .await?;
        Ok(cookie)
    }
}

/// The same, of this field.
fn named<T>(field: &str, result: Result<T>) -> Result<T> {
    result.map_err(|error| match error {
        Error::Invalid(mut fields) => {
            for one in &mut fields {
                field.clone_into(&mut one.field);
            }
            Error::Invalid(fields)
        }
        other => other,
    })
}
