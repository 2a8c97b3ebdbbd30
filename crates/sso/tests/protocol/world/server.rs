//! The provider on a socket.

use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};
use vestibule_model::clock::ManualClock;
use vestibule_model::{Clock as _, Digest, Timestamp};

use super::keys::{Key, encode};
use super::{ACCESS, CLIENT, NOW, Provider, RETURN, Reply, SECRET, Script};

pub(crate) async fn start(script: Script) -> Arc<Provider> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let key = Key::generate(script.algorithm, "key-1");
    let provider = Arc::new(Provider {
        script,
        base,
        key: Mutex::new(Arc::new(key)),
        clock: ManualClock::new(Timestamp::from_seconds(NOW)),
        hits: Mutex::default(),
        grants: Mutex::default(),
        count: AtomicU32::new(1),
    });
    let app = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&provider));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    provider
}

async fn answer(
    State(provider): State<Arc<Provider>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let endpoint = match uri.path() {
        "/.well-known/openid-configuration" => "document",
        "/keys" => "keys",
        "/token" => "token",
        "/userinfo" => "userinfo",
        "/authorize" => "authorize",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    *provider
        .hits
        .lock()
        .unwrap()
        .entry(endpoint.to_owned())
        .or_default() += 1;
    let (status, good) = match endpoint {
        "document" => (200, provider.document()),
        "keys" => (200, provider.key_set()),
        "token" => token(&provider, &headers, &body),
        "authorize" => refuse_place(uri.query().unwrap_or_default()),
        _ => userinfo(&provider, &headers),
    };
    let reply = provider.script.replies.get(endpoint).copied();
    let reply = reply.filter(|_| uri.query() != Some("again"));
    render(&provider, uri.path(), status, &good, reply).await
}

async fn render(
    provider: &Provider,
    path: &str,
    status: u16,
    good: &Value,
    reply: Option<Reply>,
) -> Response {
    let json = "application/json";
    let (status, media, body) = match reply {
        None => (status, json, good.to_string()),
        Some(Reply::Status(status)) => (status, json, good.to_string()),
        Some(Reply::Media(media)) => (200, media, good.to_string()),
        Some(Reply::Body(body)) => (200, json, body.to_owned()),
        Some(Reply::Oversized) => {
            let mut padded = good.clone();
            padded["padding"] = json!("x".repeat(2 << 20));
            (200, json, padded.to_string())
        }
        Some(Reply::Redirect) => {
            let place = format!("{}{path}?again", provider.base);
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response();
        }
        Some(Reply::Silence) => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return StatusCode::OK.into_response();
        }
        Some(Reply::Drip) => {
            let drops = futures_util::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, std::io::Error>(" "), ()))
            });
            let body = Body::from_stream(drops);
            return ([(header::CONTENT_TYPE, json)], body).into_response();
        }
    };
    let format = time::format_description::well_known::Rfc2822;
    let date = provider.clock.now().to_utc().format(&format).unwrap();
    let headers = [(header::CONTENT_TYPE, media), (header::DATE, date.as_str())];
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

/// The token endpoint: as strict as an honest provider, so that an honest exchange proves us right.
fn token(provider: &Provider, headers: &HeaderMap, body: &Bytes) -> (u16, Value) {
    let form: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
    let sent: HashMap<_, _> = form.iter().cloned().collect();
    assert_eq!(sent.len(), form.len(), "a parameter is sent twice");
    if !authenticated(headers, &sent) {
        return (401, json!({"error": "invalid_client"}));
    }
    let refused = (
        400,
        json!({"error": "invalid_grant", "error_description": "no such code"}),
    );
    let Some(grant) = provider.grants.lock().unwrap().remove(&sent["code"]) else {
        return refused;
    };
    let challenge = encode(Digest::of(sent["code_verifier"].as_bytes()).as_bytes());
    if challenge != grant.challenge || sent["redirect_uri"] != RETURN {
        return refused;
    }
    let mut answer = json!({
        "access_token": ACCESS,
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": provider.id_token(&grant.nonce),
    });
    (provider.script.answer)(&mut answer);
    (200, answer)
}

/// What the sign-in page says to whoever asks for a place that no client has; the tests that sign
/// in do not come by here.
fn refuse_place(query: &str) -> (u16, Value) {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let known = pairs.any(|(name, value)| name == "client_id" && value == CLIENT);
    let error = if known {
        "invalid redirect_uri"
    } else {
        "no such client"
    };
    (400, json!({ "error": error }))
}

fn authenticated(headers: &HeaderMap, sent: &HashMap<String, String>) -> bool {
    let decode = |text: &str| {
        let pair = format!("x={text}");
        let mut pairs = form_urlencoded::parse(pair.as_bytes());
        pairs.next().map(|(_, value)| value.into_owned()).unwrap()
    };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let pair = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
        let (id, secret) = pair.split_once(':').unwrap();
        return decode(id) == CLIENT && decode(secret) == SECRET && !sent.contains_key("client_id");
    }
    if let Some(assertion) = sent.get("client_assertion") {
        // Its signature is checked where the key is known.
        return sent["client_id"] == CLIENT && assertion.split('.').count() == 3;
    }
    sent.get("client_id").is_some_and(|id| id == CLIENT)
        && sent
            .get("client_secret")
            .is_some_and(|secret| secret == SECRET)
}

fn userinfo(provider: &Provider, headers: &HeaderMap) -> (u16, Value) {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap());
    if bearer != Some(&format!("Bearer {ACCESS}")) {
        return (401, json!({}));
    }
    let mut claims = json!({
        "sub": "person-1",
        "email": "ada@example.com",
        "email_verified": true,
        "name": "Ada Lovelace",
        "groups": ["from-userinfo"],
    });
    (provider.script.userinfo)(&mut claims);
    (200, claims)
}
