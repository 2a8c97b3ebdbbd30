//! A key that a form creates: once, however often the form is sent.
//!
//! The form carries the id and the secret of the key that it will create, sealed for the session
//! in which it was opened. A second submission, on whichever server, finds the row of the first, so
//! that no table of spent tokens is needed. The secret then goes to the next page sealed again,
//! for a minute, and the page hands it to [`Accounts::new_key`].

use std::collections::HashSet;
use std::time::Duration;

use vestibule_check::Permit;
use vestibule_credential::{PlainSecret, SecretKind, frame};
use vestibule_model::{ApiKey, ApiKeyId, Grant, Role, UserId};
use zeroize::Zeroizing;

use super::{NewApiKey, NewGrant};
use crate::for_session::FORM_LIFE;
use crate::{Accounts, Caller, Result};

/// The time for which the secret of a key created by a form can be shown, from the key's creation.
pub const NEW_KEY_HANDOVER: Duration = Duration::from_secs(60);

const FORM: &str = "api_key_form";

fn handover(id: ApiKeyId) -> String {
    format!("new_api_key:{id}")
}

/// The id and the secret of a key before it is created. Only the server makes them.
#[derive(Debug)]
pub struct PreparedKey {
    pub(super) id: ApiKeyId,
    pub(super) secret: PlainSecret,
}

/// The key that a form has created, now or when it was sent before.
#[derive(Debug)]
pub struct KeyOfForm {
    /// The key's id.
    pub id: ApiKeyId,
    /// The secret, sealed for the session until [`NEW_KEY_HANDOVER`] after the key's creation;
    /// `None` later, and for a key that is revoked.
    pub sealed_secret: Option<String>,
}

/// A key on the page that shows its secret once.
#[derive(Debug)]
pub struct NewKey {
    /// The key; `None` where the caller has no such key.
    pub key: Option<ApiKey>,
    /// The secret, where it was handed over in time and the key still stands.
    pub secret: Option<PlainSecret>,
}

impl Accounts {
    pub(super) fn prepare_key(&self) -> PreparedKey {
        PreparedKey {
            id: ApiKeyId::mint(self.clock(), self.entropy()),
            secret: frame::mint(&self.0.prefix, SecretKind::LiveKey, self.entropy()),
        }
    }

    /// Returns the token of a form that creates a key of the calling user. It is good for the
    /// caller's session in this organisation, for a day.
    pub fn api_key_form(&self, caller: &Caller) -> Result<String> {
        caller.needs(Role::User)?;
        let PreparedKey { id, secret } = self.prepare_key();
        let plain = Zeroizing::new(format!("{id} {}", secret.expose()));
        self.seal_for_session(caller, FORM, &plain, self.now().after(FORM_LIFE))
    }

    /// Opens the token of a form; `None` where it is not the caller's, or too old.
    pub fn open_api_key_form(&self, caller: &Caller, token: &str) -> Option<PreparedKey> {
        let plain = self.open_for_session(caller, FORM, token)?;
        let (id, secret) = plain.split_once(' ')?;
        let secret = Zeroizing::new(secret.to_owned());
        Some(PreparedKey {
            id: id.parse().ok()?,
            // Another prefix may have been configured since the form was opened.
            secret: frame::restore(&self.0.prefix, secret).ok()?,
        })
    }

    /// Creates the prepared key for the calling user, if no earlier submission of the same form
    /// has. Returns `None`, and changes nothing, where an earlier one created a key of another name
    /// or with other grants: to show that key would pass it off as the one asked for now.
    pub async fn create_api_key_once(
        &self,
        permit: &Permit,
        prepared: PreparedKey,
        new: NewApiKey,
    ) -> Result<Option<KeyOfForm>> {
        permit.administers(Role::User)?;
        let (owner, id) = (permit.user_id(), prepared.id);
        let caller = &Caller::from(permit);
        let find = || {
            let store = &self.0.store;
            store.api_key_or_revoked(caller.scope(), owner, id)
        };
        let secret = Zeroizing::new(prepared.secret.expose().to_owned());
        let earlier = match find().await? {
            Some(key) => key,
            None => match self
                .insert_api_key(caller, owner, prepared, new.clone())
                .await
            {
                Ok(created) => return self.key_of_form(caller, &created.key, &secret).map(Some),
                // Sent twice at once: the other submission may have come first, and may have taken
                // the last place of the user's keys.
                Err(error) => find().await?.ok_or(error)?,
            },
        };
        if !self.is_as_asked(caller, owner, &earlier, &new).await? {
            return Ok(None);
        }
        self.key_of_form(caller, &earlier, &secret).map(Some)
    }

    /// Returns true if the key has the name and the grants asked for. The expiry is not compared: a
    /// form asks for a number of days, counted from when it is sent. Of a revoked key nothing is
    /// shown, so that its grants do not matter.
    async fn is_as_asked(
        &self,
        caller: &Caller,
        owner: UserId,
        key: &ApiKey,
        asked: &NewApiKey,
    ) -> Result<bool> {
        let found = self.0.store.api_key(caller.scope(), owner, key.id).await?;
        let Some((key, grants)) = found else {
            return Ok(key.name == asked.name);
        };
        let has = grants.map(|grants| {
            let grant = |grant: Grant| (grant.path, grant.capability);
            grants.into_iter().map(grant).collect::<HashSet<_>>()
        });
        let wants = asked.grants.as_ref().map(|grants| {
            let grant = |grant: &NewGrant| (grant.path.clone(), grant.capability);
            grants.iter().map(grant).collect::<HashSet<_>>()
        });
        Ok(key.name == asked.name && has == wants)
    }

    fn key_of_form(&self, caller: &Caller, key: &ApiKey, secret: &str) -> Result<KeyOfForm> {
        let until = key.created_at.after(NEW_KEY_HANDOVER);
        let is_open = key.revoked_at.is_none() && self.now() < until;
        let seal = || self.seal_for_session(caller, &handover(key.id), secret, until);
        Ok(KeyOfForm {
            id: key.id,
            sealed_secret: is_open.then(seal).transpose()?,
        })
    }

    /// Opens the secret of a key that a form has created, for the page that shows it. Whatever was
    /// presented in its place, there is no error: the key is then one that has been shown.
    pub async fn new_key(
        &self,
        permit: &Permit,
        id: ApiKeyId,
        sealed: Option<&str>,
    ) -> Result<NewKey> {
        permit.administers(Role::User)?;
        let (owner, caller) = (permit.user_id(), &Caller::from(permit));
        let found = self.0.store.api_key(caller.scope(), owner, id).await?;
        let key = found.map(|(key, _)| key);
        let open = |text| self.open_for_session(caller, &handover(id), text);
        let secret = sealed.filter(|_| key.is_some()).and_then(open);
        let secret = secret.and_then(|text| frame::restore(&self.0.prefix, text).ok());
        Ok(NewKey { key, secret })
    }
}
