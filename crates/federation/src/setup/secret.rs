//! The client secrets and keys of connections, sealed with the master key.

use vestibule_accounts::{Error, Result};
use vestibule_model::{ClientAuthMethod, ConnectionId};
use vestibule_sso::PlainClientSecret;
use vestibule_sso::oidc::{ClientAuth, ClientKey, ClientKeyKind};
use zeroize::Zeroizing;

use crate::Sso;

/// The longest client secret, in bytes.
const LONGEST: usize = 1_024;

/// A new means of client authentication.
#[derive(Debug, Clone)]
pub enum NewSecret {
    /// The secret issued by the provider.
    Client(PlainClientSecret),
    /// A new key of our own, for `private_key_jwt` (OpenID Connect Core, 9).
    Key(ClientKeyKind),
}

fn context(id: ConnectionId) -> String {
    format!("sso_connection:{id}")
}

impl Sso {
    /// Seals a client secret, or a newly generated key. Neither is ever shown again.
    pub(crate) fn seal_secret(
        &self,
        id: ConnectionId,
        method: ClientAuthMethod,
        secret: &NewSecret,
    ) -> Result<Vec<u8>> {
        let by_key = method == ClientAuthMethod::PrivateKeyJwt;
        let entropy = self.accounts().entropy();
        let plain = match secret {
            NewSecret::Client(secret) if !by_key => {
                let bytes = secret.expose().as_bytes();
                if bytes.is_empty() || bytes.len() > LONGEST {
                    return Err(Error::field(
                        "client_secret",
                        "invalid_client_secret",
                        "must have 1 to 1024 bytes",
                    ));
                }
                Zeroizing::new(bytes.to_vec())
            }
            NewSecret::Key(kind) if by_key => {
                let key = ClientKey::generate(*kind, entropy);
                // Exactly one kind byte and 32 key bytes: growing would leave an unwiped copy behind.
                let mut plain = Zeroizing::new(Vec::with_capacity(33));
                plain.push(match kind {
                    ClientKeyKind::EdDsa => b'd',
                    ClientKeyKind::Es256 => b's',
                });
                plain.extend_from_slice(key.expose());
                plain
            }
            NewSecret::Client(_) | NewSecret::Key(_) => {
                return Err(Error::field(
                    "client_secret",
                    "client_auth_mismatch",
                    "must be a secret, or a key with private_key_jwt",
                ));
            }
        };
        self.accounts().seal(&context(id), &plain)
    }

    /// Opens the stored means of client authentication.
    pub(crate) fn open_secret(
        &self,
        id: ConnectionId,
        method: ClientAuthMethod,
        sealed: &[u8],
    ) -> Result<ClientAuth> {
        let plain = self.accounts().open_sealed(&context(id), sealed)?;
        if method == ClientAuthMethod::PrivateKeyJwt {
            let key = match plain.split_first() {
                Some((b'd', secret)) => Some((ClientKeyKind::EdDsa, secret)),
                Some((b's', secret)) => Some((ClientKeyKind::Es256, secret)),
                _ => None,
            };
            let key = key.and_then(|(kind, secret)| {
                let secret = Zeroizing::new(<[u8; 32]>::try_from(secret).ok()?);
                ClientKey::from_secret(kind, &secret).ok()
            });
            let key = key.ok_or_else(|| Error::internal("a connection's key is no key"))?;
            return Ok(ClientAuth::PrivateKeyJwt(key));
        }
        let text = std::str::from_utf8(&plain).map_err(Error::internal)?;
        let secret = PlainClientSecret::new(text);
        Ok(match method {
            ClientAuthMethod::SecretBasic => ClientAuth::Basic(secret),
            ClientAuthMethod::SecretPost => ClientAuth::Post(secret),
            _ => ClientAuth::Secret(secret),
        })
    }
}
