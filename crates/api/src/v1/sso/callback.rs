//! `/v1/auth/sso/callback` and `token`: where a sign-in ends.

use axum::extract::State;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::RequestSource;
use vestibule_federation::{CallbackOutcome, CallbackRequest};
use vestibule_handler::{BindingCookie, Result, Stranger, notice, session_cookies, wants_page};
use vestibule_http::{Json, PathId, Problem};
use vestibule_layer::Rule;
use vestibule_model::ConnectionId;

use super::super::session::TokenAnswer;
use crate::ApiState;
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private, redirect};

pub(super) fn routes() -> Documented {
    // Public: the provider's answer, with the state that is bound to this browser, is the
    // credential here; of the exchange, the one-time code is.
    Documented::bearer()
        .add(Rule::public(), routes!(callback))
        .add(Rule::public(), routes!(exchange))
}

/// Come back from the provider
///
/// Providers send browsers here. Which parameters come is the provider's affair. Every sign-in
/// ends once, in the browser that began it. The browser is sent on to the application or to a
/// page of this server; where the sign-in began without either, the token is the answer, and after
/// a test sign-in its report.
#[utoipa::path(
    get,
    path = "/v1/auth/sso/callback/{connection_id}",
    tag = tag::SSO,
    operation_id = "finishSso",
    params(
        ("connection_id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e"),
        ("code" = Option<String>, Query, description = "The provider's code."),
        ("state" = Option<String>, Query, description = "What names the sign-in."),
        ("iss" = Option<String>, Query, description = "Who the provider says it is (RFC 9207)."),
        ("error" = Option<String>, Query, description = "Why the provider refused."),
        ("error_description" = Option<String>, Query, description = "The same in words."),
    ),
    responses(
        (status = 303, description = "To the application, with `#access_token=…&token_type=bearer` or `?code=…`, or to a page of this server, with a session cookie. Where the sign-in failed, with `error` and `error_description`.",
            headers(("Location" = String, description = "Where."))),
        (status = 200, description = "The token, and the user; or the report of a test.", body = TokenAnswer),
        (status = 401, description = "The sign-in failed, or this browser has not begun it."),
        (status = 403, description = "The provider vouches for the person, who may not come in."),
        (status = 409, description = "Somebody is signed in in this browser who has not agreed to be signed out."),
    ),
)]
async fn callback(
    State(state): State<ApiState>,
    SingleSignOn(sso): SingleSignOn,
    stranger: Stranger,
    headers: HeaderMap,
    PathId(connection): PathId<ConnectionId>,
    uri: Uri,
) -> Result<Response> {
    let sessions = session_cookies(&headers, &state.cookie);
    let cookies = BindingCookie::beside(&state.cookie);
    let arrived = sso
        .callback(CallbackRequest {
            connection,
            query: uri.query().unwrap_or_default(),
            binding: cookies.presented(&headers),
            carried: &cookies.carried(&headers),
            sessions: &sessions,
            origin: &RequestSource::from(stranger),
        })
        .await;
    let arrived = match arrived {
        Ok(arrived) => arrived,
        Err(failure) => {
            let Some(location) = failure.location else {
                return Err(failure.error.into());
            };
            // The redirect is the answer, and says nothing of the cause.
            failure.error.log();
            return Ok(redirect(StatusCode::SEE_OTHER, &location, None)?);
        }
    };
    Ok(match arrived {
        CallbackOutcome::Redirect { location, .. } => {
            redirect(StatusCode::SEE_OTHER, location.expose(), None)?
        }
        CallbackOutcome::Browser { path, sign_in } => {
            let cookie = state.cookie.set(&sign_in.cookie);
            let cookie = cookie.ok_or_else(Problem::internal)?;
            let mut response = redirect(StatusCode::SEE_OTHER, &path, Some(cookie))?;
            // Who followed a link that somebody else has made sees as whom.
            let notice = notice::tell("signed_in")?;
            response.headers_mut().append(SET_COOKIE, notice);
            response
        }
        CallbackOutcome::Json(done) => {
            private(Json(TokenAnswer::new(&done.token, done.signed_in.me)))
        }
        CallbackOutcome::Tested(report) if wants_page(&headers) => {
            // The page of the connection shows the report among the last sign-ins.
            let path = format!("/sso-tested/{}", report.connection_id);
            redirect(StatusCode::SEE_OTHER, &path, None)?
        }
        CallbackOutcome::Tested(report) => private(Json(report)),
        CallbackOutcome::Linked { path, .. } => redirect(StatusCode::SEE_OTHER, &path, None)?,
    })
}

/// The one-time code that the application received.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExchangeCode {
    /// The one-time code.
    code: String,
    /// The redirect URI that it came to.
    #[schema(example = "https://app.example.com/callback")]
    redirect_uri: String,
}

/// Exchange a one-time code for a token
///
/// For applications that asked for `response_mode=code`. A code is good for 60 seconds, once, and
/// with the redirect URI that it came to.
#[utoipa::path(
    post,
    path = "/v1/auth/sso/token",
    tag = tag::SSO,
    operation_id = "exchangeSsoCode",
    request_body = ExchangeCode,
    responses(
        (status = 200, description = "The token, and the user.", body = TokenAnswer),
        (status = 401, description = "The code is wrong, used or too old, or came to another redirect URI."),
        (status = 429, description = "Too many codes tried from this address."),
    ),
)]
async fn exchange(
    SingleSignOn(sso): SingleSignOn,
    stranger: Stranger,
    Json(body): Json<ExchangeCode>,
) -> Result<Response> {
    let origin = RequestSource::from(stranger);
    let done = sso
        .exchange_code(&body.code, &body.redirect_uri, &origin)
        .await?;
    Ok(private(Json(TokenAnswer::new(
        &done.token,
        done.signed_in.me,
    ))))
}
