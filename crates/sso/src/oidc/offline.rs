//! What a provider has said, judged without asking it: with its key set at hand.
//!
//! Sign-ins go by [`OidcProvider`](crate::oidc::OidcProvider), which reads by the same rules. This
//! is for whoever feeds those rules with hostile input, as the fuzz targets do.

use serde_json::{Map, Value};
use vestibule_model::Timestamp;

use crate::json;
use crate::oidc::claims::TokenClaims;
use crate::oidc::connection::OidcConnection;
use crate::oidc::id_token;
use crate::oidc::jws::Jws;
use crate::oidc::keys::KeySet;
use crate::oidc::logout::{self, LogoutToken};
use crate::refusal::{SsoRefusal, Step};
use crate::sign_in::Pending;

/// A connection, and the keys of its provider.
pub struct Offline {
    connection: OidcConnection,
    keys: KeySet,
}

impl Offline {
    /// Reads a key set (RFC 7517, 5).
    pub fn new(connection: OidcConnection, key_set: &[u8]) -> Result<Self, SsoRefusal> {
        let step = Step::Keys;
        let object =
            json::read_object(key_set).map_err(|fault| SsoRefusal::Json { step, fault })?;
        let keys = KeySet::read(&object)?;
        Ok(Self { connection, keys })
    }

    /// How many keys can verify the connection's algorithm.
    pub fn usable_keys(&self) -> usize {
        self.keys.usable(self.connection.algorithm)
    }

    /// The claims of an ID token, by every rule of a sign-in that came back with this code and
    /// this access token (OpenID Connect Core, 3.1.3.7).
    pub fn id_token(
        &self,
        token: &str,
        pending: &Pending,
        code: &str,
        access_token: &str,
        now: Timestamp,
    ) -> Result<Map<String, Value>, SsoRefusal> {
        let connection = &self.connection;
        let jws = Jws::read(token, connection, id_token::TYPES)?;
        let claims = jws.verify_with(connection, &self.keys)?;
        id_token::check(
            TokenClaims(&claims),
            connection,
            pending,
            code,
            access_token,
            now,
        )?;
        connection.mapping.subject(&claims)?;
        Ok(claims)
    }

    /// A logout token (OpenID Connect Back-Channel Logout 1.0, 2.6).
    pub fn logout_token(&self, token: &str, now: Timestamp) -> Result<LogoutToken, SsoRefusal> {
        let jws = Jws::read(token, &self.connection, logout::TYPES)?;
        let claims = jws.verify_with(&self.connection, &self.keys)?;
        logout::check(TokenClaims(&claims), &self.connection, now)
    }
}
