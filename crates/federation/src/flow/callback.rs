//! The second half of a sign-in: the browser comes back from the provider.

use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_outbound::url::with_query;
use vestibule_sso::callback::Callback;
use vestibule_sso::{Identity, SsoRefusal};

use super::claim::{CallbackRequest, Claimed};
use super::outcome::{CallbackOutcome, SignInEnd};
use super::purpose::Purpose;
use super::replaced::Replaced;
use super::return_to::ReturnTo;
use crate::Sso;
use crate::admit::request::AdmissionRequest;
use crate::record::attempt;
use crate::setup::version::chosen;

/// A failed callback, and the application's URL for the failure.
#[derive(Debug)]
pub struct CallbackFailure {
    /// The error.
    pub error: Error,
    /// The redirect URI with `error` (RFC 6749, 4.1.2.1) and `error_description`, if an application
    /// started the sign-in.
    pub location: Option<String>,
}

impl From<Error> for CallbackFailure {
    fn from(error: Error) -> Self {
        Self {
            error,
            location: None,
        }
    }
}

impl Sso {
    /// Finishes a sign-in started by [`start`](Self::start), [`start_link`](Self::start_link) or
    /// [`start_test`](Self::start_test). Of two callbacks for one sign-in, one succeeds.
    ///
    /// Reads the authorization response (OpenID Connect Core, 3.1.2.5), exchanges the code and
    /// checks the ID token; then admits (`crate::admit`) the identity and carries out the purpose of
    /// the sign-in.
    pub async fn callback(
        &self,
        request: CallbackRequest<'_>,
    ) -> std::result::Result<CallbackOutcome, CallbackFailure> {
        // Nothing is claimed by a malformed query, so that a browser can retry with the right one.
        let callback = Callback::read(request.query).map_err(|refusal| refused(&refusal))?;
        let claimed = self.claim(&request, &callback).await?;
        // The redirect URI was sealed by us and checked again, so that it may be told of failures.
        let failed = |error: Error| CallbackFailure {
            location: failure_location(&claimed.payload.purpose, &error),
            error,
        };
        let identity = self.identify(&claimed, callback, request.origin).await;
        // Recorded already, with the clause that failed.
        let identity = identity.map_err(failed)?;
        match self.carry_out(&claimed, &identity, &request).await {
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                let purpose = claimed.payload.purpose.as_str();
                self.note_error(
                    &claimed.connection,
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

    async fn identify(
        &self,
        claimed: &Claimed,
        callback: Callback,
        origin: &RequestSource,
    ) -> Result<Identity> {
        let Claimed {
            connection,
            secrets,
            payload,
            ..
        } = claimed;
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

    async fn carry_out(
        &self,
        claimed: &Claimed,
        identity: &Identity,
        request: &CallbackRequest<'_>,
    ) -> Result<CallbackOutcome> {
        let origin = request.origin;
        let Claimed {
            caller,
            connection,
            secrets,
            payload,
        } = claimed;
        let (settings, _) = chosen(connection, secrets, payload.which)?;
        let mut admission = AdmissionRequest {
            caller,
            connection,
            settings,
            identity,
            linking: None,
        };
        match &payload.purpose {
            Purpose::Test => {
                let report = self.report(&admission, payload.which).await?;
                let mut noted = attempt::with_identity(
                    self.attempt(connection, "test", origin),
                    identity,
                    report.outcome.user_id,
                );
                noted.clause = report.outcome.reason.map(str::to_owned);
                noted.detail.clone_from(&report.outcome.detail);
                // A report is a convenience; one too long is left out rather than failing the test.
                noted.report = serde_json::to_string(&report)
                    .ok()
                    .and_then(attempt::limited_report);
                self.note(noted).await;
                Ok(CallbackOutcome::Tested(Box::new(report)))
            }
            Purpose::Link {
                user,
                session,
                path,
            } => {
                admission.linking = Some((*user, *session));
                // The user is known, and was signed in: the records name them as the actor.
                let caller = Caller::arriving(caller.scope(), origin.actor(Some(*user)));
                admission.caller = &caller;
                let identity = self.finish_link(&admission, origin).await?;
                Ok(CallbackOutcome::Linked {
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
                self.finish_sign_in(&admission, end).await
            }
        }
    }
}

/// Builds the error for the browser: only the name of the refusal. Its details are for
/// administrators.
fn refused(refusal: &SsoRefusal) -> Error {
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
    // RFC 6749, 4.1.2.1 knows no other codes that fit.
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
