//! Signing out: by the client's wish, and by ours.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use vestibule_model::Email;

use super::parameters::{Parameters, with_pairs};
use super::state::{Provider, TOKEN_LIFE};
use super::{CLIENT_ID, pages, people, token};

/// Answers a browser that a client sends to sign out (OpenID Connect RP-Initiated Logout 1.0). The
/// provider remembers no browser, so there is nothing to end. The way on is a link and no redirect:
/// nobody is sent anywhere from here without seeing where.
pub(super) async fn end_session(RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes());
    let target = parameters.get("post_logout_redirect_uri");
    let target = target.filter(|uri| uri.starts_with("https://") || uri.starts_with("http://"));
    let target = match (target, parameters.get("state")) {
        (Some(uri), Some(state)) => Some(with_pairs(uri, &[("state", state)])),
        (uri, _) => uri.map(str::to_owned),
    };
    pages::signed_out(target.as_deref())
}

/// A logout token for the person of an address (OpenID Connect Back-Channel Logout 1.0, 2.4), to
/// be sent to the client by hand.
pub(super) async fn logout_token(
    State(provider): State<Arc<Provider>>,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let form = Parameters::read(&body);
    let email = form
        .get("email")
        .and_then(|text| text.parse::<Email>().ok());
    let Some(email) = email else {
        let body =
            json!({ "error": "invalid_request", "error_description": "email must be an address" });
        return (StatusCode::BAD_REQUEST, Json(body));
    };
    let now = provider.now();
    let claims = json!({
        "iss": provider.issuer,
        "aud": CLIENT_ID,
        "sub": people::subject(&email),
        "sid": token::session(&email),
        "iat": now.as_seconds(),
        "exp": now.after(TOKEN_LIFE).as_seconds(),
        "jti": provider.random(),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    match provider.key.sign("logout+jwt", &claims) {
        Ok(token) => (StatusCode::OK, Json(json!({ "logout_token": token }))),
        Err(failure) => {
            let body = json!({ "error": "server_error", "error_description": failure.to_string() });
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
        }
    }
}
