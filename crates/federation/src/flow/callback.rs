//! The second half of a sign-in: what the browser brings back.

use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_model::{ConnectionId, Digest, SsoConnection};
use vestibule_sso::callback::Callback;
use vestibule_sso::{Identity, Refusal};
use vestibule_store::ConnectionSecrets;

use super::arrived::{ArrivalFailure, Arrived, CallbackRequest};
use super::carried::spent;
use super::outcome::SignInEnd;
use super::purpose::{Payload, Purpose};
use super::replaced::Replaced;
use super::return_to::{ReturnTo, with_query};
use crate::admit::arrival::Arrival;
use crate::record::attempt;
use crate::secret_text::text_of;
use crate::setup::version::chosen;
use crate::{NO_CONNECTION, Sso};

/// Unknown, used, expired, or of another browser: nobody is told which.
fn no_such_sign_in() -> Error {
    Error::sign_in_failed(
        "sso_state",
        "This browser has not begun such a sign-in, or it is over; begin again.",
    )
}

/// What was taken for this callback, for good.
struct Taken {
    caller: Caller,
    connection: SsoConnection,
    secrets: ConnectionSecrets,
    payload: Payload,
}

impl Sso {
    /// Finishes what [`initiate`](Self::initiate), [`link`](Self::link) or
    /// [`test_sign_in`](Self::test_sign_in) began. Of two calls for one sign-in one succeeds.
    pub async fn callback(
        &self,
        request: CallbackRequest<'_>,
    ) -> std::result::Result<Arrived, ArrivalFailure> {
        let callback = Callback::read(request.query).map_err(|refusal| refused(&refusal))?;
        let taken = self.take(&request, &callback).await?;
        let failed = |error: Error| ArrivalFailure {
            location: failure_location(&taken.payload.purpose, &error),
            error,
        };
        let identity = self.identify(&taken, callback, request.origin).await;
        let identity = identity.map_err(failed)?;
        match self.arrive(&taken, &identity, &request).await {
            Ok(arrived) => Ok(arrived),
            Err(error) => {
                let purpose = taken.payload.purpose.as_str();
                self.note_error(
                    &taken.connection,
                    purpose,
                    &identity,
                    &error,
                    request.origin,
                )
                .await;
                Err(failed(error))
            }
        }
    }

    async fn take(&self, request: &CallbackRequest<'_>, callback: &Callback) -> Result<Taken> {
        let accounts = self.accounts();
        let now = accounts.now();
        let (Some(state), Some(binding)) = (callback.state(), request.binding) else {
            return Err(no_such_sign_in());
        };
        let browser = Digest::of(binding.as_bytes());
        let carried = self.open_carried(request.carried, state, &browser, now);
        let state = Digest::of(state.as_bytes());
        let Some(carried) = carried else {
            return self.take_pending(request, &state, &browser).await;
        };
        // The provider of one connection does not finish what was begun at that of another.
        if carried.connection != request.connection {
            return Err(no_such_sign_in());
        }
        let taken = self
            .resume(carried.connection, carried.payload, request.origin)
            .await?;
        let mut write = accounts.begin_for_stranger().await?;
        let new = write
            .spend_token(carried.connection, &spent(&state), carried.expires_at)
            .await?;
        if !new {
            return Err(no_such_sign_in());
        }
        write.commit_unaudited().await?;
        Ok(taken)
    }

    /// Takes a sign-in that a server of an earlier version has begun, which has written it down.
    async fn take_pending(
        &self,
        request: &CallbackRequest<'_>,
        state: &Digest,
        browser: &Digest,
    ) -> Result<Taken> {
        let accounts = self.accounts();
        let now = accounts.now();
        if !accounts.store().is_pending(state, browser, now).await? {
            return Err(no_such_sign_in());
        }
        let mut write = accounts.begin_for_stranger().await?;
        let pending = write.take_pending(state, browser, now).await?;
        let pending = pending.ok_or_else(no_such_sign_in)?;
        write.commit_unaudited().await?;
        if pending.connection_id != request.connection {
            return Err(no_such_sign_in());
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
    ) -> Result<Taken> {
        let (scope, connection, secrets) = self.named(connection).await?;
        if let Purpose::SignIn { to, .. } = &payload.purpose {
            // Nobody is sent, with or without a token, where nobody is to be sent by now.
            match self.check_return(scope, to).await {
                Err(Error::Invalid(_)) => return Err(no_such_sign_in()),
                checked => checked?,
            }
        }
        let testing = matches!(payload.purpose, Purpose::Test);
        if !connection.is_enabled() && !testing {
            return Err(NO_CONNECTION);
        }
        Ok(Taken {
            caller: Caller::arriving(scope, origin.actor(None)),
            connection,
            secrets,
            payload,
        })
    }

    async fn identify(
        &self,
        taken: &Taken,
        callback: Callback,
        origin: &RequestSource,
    ) -> Result<Identity> {
        let Taken {
            connection,
            secrets,
            payload,
            ..
        } = taken;
        let provider = self.provider(connection, secrets, payload.which)?;
        match provider.finish(&payload.pending, callback).await {
            Ok(identity) => Ok(identity),
            Err(refusal) => {
                let purpose = payload.purpose.as_str();
                self.note_refusal(connection, purpose, &refusal, origin)
                    .await;
                Err(refused(&refusal))
            }
        }
    }

    async fn arrive(
        &self,
        taken: &Taken,
        identity: &Identity,
        request: &CallbackRequest<'_>,
    ) -> Result<Arrived> {
        let origin = request.origin;
        let Taken {
            caller,
            connection,
            secrets,
            payload,
        } = taken;
        let (settings, _) = chosen(connection, secrets, payload.which)?;
        let mut arrival = Arrival {
            caller,
            connection,
            settings,
            identity,
            linking: None,
        };
        match &payload.purpose {
            Purpose::Test => {
                let report = self.report(&arrival, payload.which).await?;
                let mut noted = attempt::told(
                    self.attempt(connection, "test", origin),
                    identity,
                    report.outcome.user_id,
                );
                noted.clause = report.outcome.reason.map(str::to_owned);
                noted.detail.clone_from(&report.outcome.detail);
                noted.report = serde_json::to_string(&report)
                    .ok()
                    .and_then(attempt::short_enough);
                self.note(noted).await;
                Ok(Arrived::Tested(Box::new(report)))
            }
            Purpose::Link {
                user,
                session,
                path,
            } => {
                arrival.linking = Some((*user, *session));
                let caller = Caller::arriving(caller.scope(), origin.actor(Some(*user)));
                arrival.caller = &caller;
                let identity = self.finish_link(&arrival, origin).await?;
                Ok(Arrived::Linked {
                    path: path.clone(),
                    identity,
                })
            }
            Purpose::SignIn {
                to,
                state,
                replaces,
            } => {
                let end = SignInEnd {
                    to,
                    state: state.as_deref(),
                    replaced: Replaced {
                        sessions: request.sessions,
                        agreed: *replaces,
                    },
                    origin,
                };
                self.finish_sign_in(&arrival, end).await
            }
        }
    }
}

/// What a stranger is told of a refusal: its name. The sentence is for administrators.
fn refused(refusal: &Refusal) -> Error {
    Error::sign_in_failed(
        "sso_refused",
        format!(
            "The identity provider's answer was refused ({}); administrators see why among the \
             last attempts of the connection.",
            refusal.reason()
        ),
    )
}

fn failure_location(purpose: &Purpose, error: &Error) -> Option<String> {
    let Purpose::SignIn { to, state, .. } = purpose else {
        return None;
    };
    let code = match error {
        Error::Unavailable(_) | Error::Uncertain(_) | Error::Full(_) | Error::Busy { .. } => {
            "temporarily_unavailable"
        }
        Error::Internal(_) => "server_error",
        _ => "access_denied",
    };
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("error", code);
    pairs.append_pair("error_description", error.reason());
    if let Some(state) = state {
        pairs.append_pair("state", state);
    }
    match to {
        ReturnTo::Fragment { redirect_uri } => Some(format!("{redirect_uri}#{}", pairs.finish())),
        ReturnTo::Code { redirect_uri } => Some(with_query(redirect_uri, &pairs.finish())),
        ReturnTo::Browser { .. } | ReturnTo::Json => None,
    }
}

/// Returns what a sign-in that a server of an earlier version has begun is sealed for, in its row.
fn pending_context(state: &str) -> String {
    format!("sso_pending:{state}")
}
