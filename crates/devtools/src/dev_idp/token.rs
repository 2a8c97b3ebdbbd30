//! A code becomes tokens (OpenID Connect Core, 3.1.3).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use vestibule_model::{Digest, Email};

use super::key::encode;
use super::parameters::Parameters;
use super::state::{Grant, Provider, TOKEN_LIFE};
use super::{CLIENT_ID, people};

/// An error of RFC 6749, 5.2, in words that say which value is wrong.
struct Refused {
    error: &'static str,
    description: String,
}

fn oauth_error(error: &'static str, description: impl Into<String>) -> Refused {
    Refused {
        error,
        description: description.into(),
    }
}

/// Exchanges a code.
pub(super) async fn token(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    match exchange(&provider, &headers, &Parameters::read(&body)) {
        Ok(tokens) => (StatusCode::OK, Json(tokens)),
        Err(Refused { error, description }) => {
            let status = match error {
                "invalid_client" => StatusCode::UNAUTHORIZED,
                "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = json!({ "error": error, "error_description": description });
            (status, Json(body))
        }
    }
}

fn exchange(provider: &Provider, headers: &HeaderMap, form: &Parameters) -> Result<Value, Refused> {
    authenticate(provider, headers, form)?;
    if form.get("grant_type") != Some("authorization_code") {
        let description = "grant_type must be authorization_code";
        return Err(oauth_error("unsupported_grant_type", description));
    }
    let grant = form.get("code").and_then(|code| provider.take_code(code));
    let Some(grant) = grant else {
        let description = "code is unknown, was used, or is older than a minute";
        return Err(oauth_error("invalid_grant", description));
    };
    if form.get("redirect_uri") != Some(&grant.redirect_uri) {
        let description = "redirect_uri is not the one of the authorization request";
        return Err(oauth_error("invalid_grant", description));
    }
    let verifier = form.get("code_verifier").unwrap_or_default();
    if encode(Digest::of(verifier.as_bytes()).as_bytes()) != grant.challenge {
        let description = "code_verifier does not fit the code_challenge";
        return Err(oauth_error("invalid_grant", description));
    }
    tokens(provider, &grant).map_err(|failure| oauth_error("server_error", failure.to_string()))
}

fn tokens(provider: &Provider, grant: &Grant) -> Result<Value, vestibule_server::failure::Failure> {
    let access = provider.issue_token(grant.email.clone());
    let hash = Digest::of(access.as_bytes());
    let now = provider.now().as_seconds();
    let mut claims = people::claims(&grant.email);
    claims["iss"] = json!(provider.issuer);
    claims["aud"] = json!(CLIENT_ID);
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + lifetime());
    claims["auth_time"] = json!(now);
    claims["sid"] = json!(session(&grant.email));
    claims["at_hash"] = json!(encode(&hash.as_bytes()[..16]));
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    Ok(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": lifetime(),
        "id_token": provider.key.sign("JWT", &claims)?,
    }))
}

fn lifetime() -> i64 {
    i64::try_from(TOKEN_LIFE.as_secs()).unwrap_or(i64::MAX)
}

/// The session of a person here: one for each, since nothing is kept of browsers.
pub(super) fn session(email: &Email) -> String {
    format!("session-{}", people::subject(email))
}

/// The client's name and secret, in the header or in the form (RFC 6749, 2.3.1).
fn authenticate(
    provider: &Provider,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<(), Refused> {
    let (client, secret) = match headers.get(AUTHORIZATION) {
        Some(value) => basic(value.as_bytes()).ok_or_else(|| {
            oauth_error("invalid_client", "the Authorization header cannot be read")
        })?,
        None => (
            form.get("client_id").unwrap_or_default().to_owned(),
            form.get("client_secret").unwrap_or_default().to_owned(),
        ),
    };
    if client != CLIENT_ID {
        let description = format!("client_id is unknown here: the one client is {CLIENT_ID}");
        return Err(oauth_error("invalid_client", description));
    }
    // Digests are compared, so that time tells nothing of the text.
    let expected = Digest::of(provider.client_secret.expose().as_bytes());
    if Digest::of(secret.as_bytes()) != expected {
        return Err(oauth_error("invalid_client", "the client secret is wrong"));
    }
    Ok(())
}

fn basic(value: &[u8]) -> Option<(String, String)> {
    let encoded = value.strip_prefix(b"Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (client, secret) = pair.split_once(':')?;
    let decoded = |text: &str| {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs
            .next()
            .map_or_else(String::new, |(name, _)| name.into_owned())
    };
    Some((decoded(client), decoded(secret)))
}
