//! Validation of tokens without a network, against a given key set.
//!
//! [`OidcProvider`](crate::oidc::OidcProvider) applies the same rules. This entry point lets fuzz
//! targets feed them hostile input.

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

/// A connection and the keys of its provider.
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

    /// Returns the number of keys for the connection's algorithm.
    pub fn usable_keys(&self) -> usize {
        self.keys.usable(self.connection.algorithm)
    }

    /// Validates an ID token by every rule of a sign-in that returned this code and this access
    /// token (OpenID Connect Core, 3.1.3.7). Returns its claims.
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

    /// Validates a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6).
    pub fn logout_token(&self, token: &str, now: Timestamp) -> Result<LogoutToken, SsoRefusal> {
        let jws = Jws::read(token, &self.connection, logout::TYPES)?;
        let claims = jws.verify_with(&self.connection, &self.keys)?;
        logout::check(TokenClaims(&claims), &self.connection, now)
    }
}
