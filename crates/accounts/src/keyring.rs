//! The signing keys: read, made, rotated.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_credential::keyring::afterlife;
use vestibule_credential::{Issuer, Keyring, MasterKey, SealError, SigningKey};
use vestibule_model::session::Lifetimes;
use vestibule_model::{Actor, AuditId, AuditRecord, Change, Clock, Entropy, SigningKeyId};
use vestibule_store::{SealedKeyRow, Store, UnauditedWrite, Write};

use crate::{Accounts, Error, Operator, Result};

/// The fate of the keys that have signed until a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldKeys {
    /// They verify what they have signed until that has expired: nobody notices the rotation.
    /// Whoever has copied such a key can go on signing as long.
    LiveOut,
    /// They are deleted: nothing that they have signed passes any more, whoever signed it, and
    /// whoever calls with an access token signs in again. Cookies and API keys stand.
    EndNow,
}

/// The parts that reading a keyring needs.
#[derive(Debug)]
pub struct KeyringParts<'a> {
    /// The store of the sealed keys.
    pub store: &'a Store,
    /// The key that seals them.
    pub master_key: &'a MasterKey,
    /// In whose name tokens are signed.
    pub issuer: Issuer,
    /// The lifetimes of tokens.
    pub lifetimes: &'a Lifetimes,
}

/// An error in loading the keyring.
#[derive(Debug, thiserror::Error)]
pub enum LoadKeyringError {
    /// The master key is not the one that the signing keys in the store were sealed with.
    #[error("the signing keys were sealed with another master key")]
    MasterKey,
    /// Any other failure.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl KeyringParts<'_> {
    /// The keyring of the store, with a first key if there was none.
    pub async fn load_or_create(
        self,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> std::result::Result<Keyring, LoadKeyringError> {
        let rows = self.signing_keys().await?;
        if rows.iter().any(|row| row.retired_at.is_none()) {
            return self.open(rows, clock);
        }
        let key = SigningKey::generate(clock, entropy);
        let mut write = self.store.begin().await.map_err(Error::from)?;
        insert(&mut write, &key, self.master_key, entropy).await?;
        let record = AuditRecord {
            id: AuditId::mint(clock, entropy),
            at: clock.now(),
            organization_id: None,
            actor: Actor::server(),
            kind: "keyring.created",
            subject: Some(key.id.to_string()),
            details: json!({}).to_string(),
        };
        write.commit(record).await.map_err(Error::from)?;
        // Read again: another server may have begun at the same moment.
        let rows = self.signing_keys().await?;
        self.open(rows, clock)
    }

    async fn signing_keys(&self) -> Result<Vec<SealedKeyRow>> {
        Ok(self.store.signing_keys().await?)
    }

    fn open(
        self,
        rows: Vec<SealedKeyRow>,
        clock: &dyn Clock,
    ) -> std::result::Result<Keyring, LoadKeyringError> {
        let alive_after = clock.now().before(afterlife(self.lifetimes.access_token));
        let keys = rows
            .into_iter()
            .filter(|row| row.retired_at.is_none_or(|retired| retired > alive_after))
            .map(|row| {
                SigningKey::from_sealed(
                    self.master_key,
                    row.id,
                    row.created_at,
                    row.retired_at,
                    &row.sealed,
                )
            })
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| match error {
                SealError::Refused => LoadKeyringError::MasterKey,
                other => Error::from(other).into(),
            })?;
        let keyring = Keyring::new(self.issuer, keys).map_err(Error::from)?;
        Ok(keyring.with_token_life(self.lifetimes.access_token))
    }
}

async fn insert(
    write: &mut Write,
    key: &SigningKey,
    master_key: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<()> {
    let row = SealedKeyRow {
        id: key.id,
        sealed: key.to_sealed(master_key, entropy)?,
        created_at: key.created_at,
        retired_at: None,
    };
    write.insert_signing_key(&row).await?;
    write.change(Change::Keyring);
    Ok(())
}

impl Accounts {
    /// Makes a new signing key, which signs from now on. When this returns, this process signs with
    /// it, and what is to become of the old keys holds: here at once, and elsewhere as for any
    /// credential that is taken away.
    pub async fn rotate_keyring(&self, operator: &Operator, old: OldKeys) -> Result<SigningKeyId> {
        self.revoking(move || self.rotate_keyring_now(operator, old))
            .await
    }

    async fn rotate_keyring_now(&self, _: &Operator, old: OldKeys) -> Result<SigningKeyId> {
        let mut key = SigningKey::generate(self.clock(), self.entropy());
        let now = key.created_at;
        let rows = self.0.store.signing_keys().await?;
        // The newest key signs, also when the clock was set back since the last rotation.
        if let Some(newest) = rows.iter().map(|row| row.created_at).max() {
            key.created_at = key.created_at.max(newest.after(Duration::from_micros(1)));
        }
        let mut write = self.begin().await?;
        insert(&mut write, &key, &self.0.master_key, self.entropy()).await?;
        let details = match old {
            OldKeys::LiveOut => {
                let retired = write.retire_signing_keys_before(key.created_at, now);
                json!({ "retired": retired.await? })
            }
            OldKeys::EndNow => {
                let deleted = write.delete_signing_keys_but(key.id).await?;
                // The tokens that the check remembers are not verified again.
                write.change(Change::Everything);
                json!({ "deleted": deleted })
            }
        };
        self.commit_as(
            write,
            &Actor::operator(),
            None,
            "keyring.rotated",
            key.id.to_string(),
            &details,
        )
        .await?;
        self.reload_keyring().await?;
        Ok(key.id)
    }

    /// Reads the keyring again and swaps it in.
    pub async fn reload_keyring(&self) -> Result<()> {
        let _reading = self.0.keyring_reading.lock().await;
        let current = self.keyring();
        let parts = KeyringParts {
            store: &self.0.store,
            master_key: &self.0.master_key,
            issuer: current.issuer().clone(),
            lifetimes: &self.0.lifetimes,
        };
        self.0.keyring_watch.begin_reading();
        let rows = self.0.store.signing_keys().await.map_err(Error::from);
        let keyring = rows.and_then(|rows| {
            let opened = parts.open(rows, self.clock());
            opened.map_err(|error| match error {
                LoadKeyringError::Failed(error) => error,
                refused @ LoadKeyringError::MasterKey => Error::internal(refused),
            })
        });
        let keyring = keyring.inspect_err(|_| self.0.keyring_watch.touch())?;
        self.0.keyring.store(Arc::new(keyring));
        Ok(())
    }

    /// The public keys for whoever verifies tokens without us, as a JWK set. While changes of other
    /// processes are not heard, as when this one was stopped, the store is asked first: a key that
    /// was deleted is not published again.
    pub async fn jwks(&self) -> Result<Value> {
        if !self.0.keyring_watch.is_current(self.0.clock.boot()) {
            self.reload_keyring().await?;
        }
        Ok(self.keyring().jwks(self.now()))
    }

    /// Deletes the keys that verify nothing any more.
    pub(crate) async fn prune_keyring(&self, write: &mut UnauditedWrite) -> Result<u64> {
        let moment = self.now().before(afterlife(self.0.lifetimes.access_token));
        Ok(write.delete_signing_keys_retired_before(moment).await?)
    }
}
