//! The secrets of connections and of sign-ins that are under way.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_model::{ClientAuthMethod, ConnectionId, Digest, Entropy};
use vestibule_sso::PlainClientSecret;
use vestibule_sso::oidc::{ClientAuth, ClientKey, ClientKeyKind};
use zeroize::Zeroizing;

use super::Sso;
use crate::{Error, Result};

/// The longest client secret, in bytes.
const LONGEST: usize = 1_024;

/// What a connection is to prove itself with.
#[derive(Debug, Clone)]
pub enum NewSecret {
    /// The secret that the provider gave.
    Client(PlainClientSecret),
    /// A new key of the connection's own, for `private_key_jwt`.
    Key(ClientKeyKind),
}

/// 256 random bits as text.
pub(super) fn random_text(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut_slice());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// A digest as text, for the context of what is sealed.
pub(super) fn text_of(digest: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(digest.as_bytes())
}

/// What proves that a browser is the one that began a sign-in: the value of a cookie. Wiped when
/// dropped, never printed.
#[derive(Clone)]
pub struct PlainBinding(Zeroizing<String>);

impl PlainBinding {
    /// The value that the browser has already, if it is one of ours by its shape; a new one
    /// otherwise. One value serves all tabs of a browser.
    pub(super) fn kept_or_new(presented: Option<&str>, entropy: &dyn Entropy) -> Self {
        let ours = |text: &&str| {
            text.len() == 43
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        match presented.filter(ours) {
            Some(text) => Self(Zeroizing::new(text.to_owned())),
            None => Self(random_text(entropy)),
        }
    }

    /// The value of the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for PlainBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainBinding(…)")
    }
}

fn context(id: ConnectionId) -> String {
    format!("sso_connection:{id}")
}

impl Sso {
    /// Seals what a connection proves itself with; it is never shown again.
    pub(super) fn seal_secret(
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
        let master_key = &self.accounts().0.master_key;
        Ok(master_key.seal(&context(id), &plain, entropy)?)
    }

    /// What a connection proves itself with, opened for the moment.
    pub(super) fn open_secret(
        &self,
        id: ConnectionId,
        method: ClientAuthMethod,
        sealed: &[u8],
    ) -> Result<ClientAuth> {
        let master_key = &self.accounts().0.master_key;
        let plain = master_key.open(&context(id), sealed)?;
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
