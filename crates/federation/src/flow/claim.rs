//! The claim of a sign-in at the callback: by its state, for the browser that started it, once.

use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_model::{ConnectionId, Digest, SsoConnection};
use vestibule_sso::callback::Callback;
use vestibule_store::ConnectionSecrets;

use super::carried::spent;
use super::purpose::{Payload, Purpose};
use crate::secret_text::text_of;
use crate::{NO_CONNECTION, Sso};

/// A request to the callback of a connection.
#[derive(Clone, Copy)]
pub struct CallbackRequest<'a> {
    /// The connection in the path.
    pub connection: ConnectionId,
    /// The raw query, without its `?`.
    pub query: &'a str,
    /// The value of the binding cookie.
    pub binding: Option<&'a str>,
    /// Name and value of each [`CarriedSignIn`](crate::CarriedSignIn) cookie.
    pub carried: &'a [(&'a str, &'a str)],
    /// Digests of the browser's session cookies, whose sessions the new one replaces.
    pub sessions: &'a [Digest],
    /// The client and the request.
    pub origin: &'a RequestSource,
}

/// Prints no code and no secret.
impl std::fmt::Debug for CallbackRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackRequest")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// A sign-in claimed by this callback; no other callback can claim it.
pub(super) struct Claimed {
    pub(super) caller: Caller,
    pub(super) connection: SsoConnection,
    pub(super) secrets: ConnectionSecrets,
    pub(super) payload: Payload,
}

/// The one answer for a state that is unknown, used, expired or of another browser, so that a guess
/// learns nothing.
fn unknown_sign_in() -> Error {
    Error::sign_in_failed(
        "sso_state",
        "This browser has not begun such a sign-in, or it is over; begin again.",
    )
}

impl Sso {
    /// Claims the sign-in that the browser started.
    pub(super) async fn claim(
        &self,
        request: &CallbackRequest<'_>,
        callback: &Callback,
    ) -> Result<Claimed> {
        let accounts = self.accounts();
        let now = accounts.now();
        let (Some(state), Some(binding)) = (callback.state(), request.binding) else {
            return Err(unknown_sign_in());
        };
        let browser = Digest::of(binding.as_bytes());
        let carried = self.open_carried(request.carried, state, &browser, now);
        let state = Digest::of(state.as_bytes());
        // During an upgrade, sign-ins in flight may still be rows.
        let Some(carried) = carried else {
            return self.claim_stored(request, &state, &browser).await;
        };
        // Mix-up defence (RFC 9700, 4.4): each connection has its own redirect URI, and a provider
        // cannot finish a sign-in that started at another.
        if carried.connection != request.connection {
            return Err(unknown_sign_in());
        }
        let taken = self
            .resume(carried.connection, carried.payload, request.origin)
            .await?;
        // Marked as used last: a sign-in refused above can be retried, and costs no write.
        let mut write = accounts.begin_for_stranger().await?;
        let new = write
            .spend_token(carried.connection, &spent(&state), carried.expires_at)
            .await?;
        if !new {
            return Err(unknown_sign_in());
        }
        write.commit().await?;
        Ok(taken)
    }

    /// Claims a sign-in that an earlier version of the server started and stored as a row.
    async fn claim_stored(
        &self,
        request: &CallbackRequest<'_>,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Claimed> {
        let accounts = self.accounts();
        let now = accounts.now();
        // A read first: a guessed state must not take the turn of a writer.
        if !accounts.store().is_pending(state, browser, now).await? {
            return Err(unknown_sign_in());
        }
        let mut write = accounts.begin_for_stranger().await?;
        let pending = write.take_pending(state, browser, now).await?;
        let pending = pending.ok_or_else(unknown_sign_in)?;
        write.commit().await?;
        if pending.connection_id != request.connection {
            return Err(unknown_sign_in());
        }
        let context = pending_context(&text_of(&pending.state));
        let plain = accounts.open_sealed(&context, &pending.sealed)?;
        let payload: Payload = serde_json::from_slice(&plain).map_err(Error::internal)?;
        self.resume(pending.connection_id, payload, request.origin)
            .await
    }

    async fn resume(
        &self,
        connection: ConnectionId,
        payload: Payload,
        origin: &RequestSource,
    ) -> Result<Claimed> {
        let (scope, connection, secrets) = self.find_connection(connection).await?;
        if let Purpose::SignIn { to, .. } = &payload.purpose {
            // The redirect URI may have been removed since; not even an error is sent there then.
            match self.check_return(scope, to).await {
                Err(Error::Invalid(_)) => return Err(unknown_sign_in()),
                checked => checked?,
            }
        }
        // Administrators test a connection before they enable it.
        let testing = matches!(payload.purpose, Purpose::Test);
        if !connection.is_enabled() && !testing {
            return Err(NO_CONNECTION);
        }
        Ok(Claimed {
            caller: Caller::arriving(scope, origin.actor(None)),
            connection,
            secrets,
            payload,
        })
    }
}

/// Returns the sealing context of a sign-in that an earlier version stored as a row.
fn pending_context(state: &str) -> String {
    format!("sso_pending:{state}")
}
