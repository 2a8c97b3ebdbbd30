//! The exchange of a code for tokens (OpenID Connect Core, 3.1.3; RFC 6749, 2.3 and 5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_outbound::{Answer, Request};
use zeroize::Zeroizing;

use crate::fetch;
use crate::oidc::client_auth::{ClientAuth, Method};
use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Metadata;
use crate::party::Party;
use crate::refusal::{Quoted, SsoRefusal, Step};
use crate::secret;
use crate::sign_in::Pending;

const STEP: Step = Step::Token;

/// The type of a client assertion (RFC 7523, 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The lifetime of a client assertion, in seconds.
const ASSERTION_LIFE: i64 = 60;

/// The tokens of an exchange.
pub(crate) struct Tokens {
    pub(crate) access: Zeroizing<String>,
    pub(crate) id: String,
}

/// The claims of a client assertion (OpenID Connect Core, 9).
#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

pub(crate) async fn exchange(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
    pending: &Pending,
    code: &str,
) -> Result<Tokens, SsoRefusal> {
    let request = request(party, connection, metadata, pending, code)?;
    let answer = fetch::send(&party.outbound, &connection.organization, STEP, request).await?;
    let object = read(&answer)?;
    let access = read_access(&object)?;
    let id = fetch::text(STEP, &object, "id_token")?.to_owned();
    Ok(Tokens { access, id })
}

fn request(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
    pending: &Pending,
    code: &str,
) -> Result<Request, SsoRefusal> {
    let client_id = connection.client_id.as_str();
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &pending.redirect_uri),
        ("code_verifier", pending.verifier.expose()),
    ];
    let url = metadata.token_endpoint.clone();
    let method = connection
        .client_auth
        .method(client_id, &metadata.client_auth);
    match (&connection.client_auth, method) {
        (ClientAuth::PrivateKeyJwt(key), _) => {
            let now = party.clock.now().as_seconds();
            let assertion = key.sign(&Assertion {
                iss: client_id,
                sub: client_id,
                aud: url.as_str(),
                // Single use: providers refuse a repeated one (OpenID Connect Core, 9).
                jti: &secret::random(&*party.entropy),
                iat: now,
                exp: now + ASSERTION_LIFE,
            })?;
            form.push(("client_id", client_id));
            form.push(("client_assertion_type", ASSERTION_TYPE));
            form.push(("client_assertion", &assertion));
            Ok(Request::post_form(url, form))
        }
        (
            ClientAuth::Secret(secret) | ClientAuth::Basic(secret) | ClientAuth::Post(secret),
            Method::Post,
        ) => {
            form.push(("client_id", client_id));
            form.push(("client_secret", secret.expose()));
            Ok(Request::post_form(url, form))
        }
        (ClientAuth::Secret(secret) | ClientAuth::Basic(secret) | ClientAuth::Post(secret), _) => {
            let header = basic(client_id, secret.expose());
            Ok(Request::post_form(url, form).with_header(AUTHORIZATION, &header))
        }
    }
}

/// Builds the `Authorization` header. Id and secret are form-encoded before they are joined (RFC
/// 6749, 2.3.1).
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret)));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

/// Returns the object of an answer, or the error in it (RFC 6749, 5.2).
pub(crate) fn read(answer: &Answer) -> Result<Map<String, Value>, SsoRefusal> {
    let object = fetch::object(STEP, answer);
    // Before the status: providers send errors with 400, 401 and even 200.
    let error = object.as_ref().ok().and_then(|object| {
        let error = object.get("error")?.as_str()?;
        let description = object.get("error_description").and_then(Value::as_str);
        Some(SsoRefusal::TokenRefused {
            error: Quoted::new(error),
            description: Quoted::new(description.unwrap_or_default()),
        })
    });
    if let Some(refused) = error {
        return Err(refused);
    }
    let success = answer.clone().success();
    success.map_err(|error| SsoRefusal::Outgoing { step: STEP, error })?;
    object
}

/// Returns the access token. Refuses any type but bearer.
pub(crate) fn read_access(object: &Map<String, Value>) -> Result<Zeroizing<String>, SsoRefusal> {
    let kind = fetch::text(STEP, object, "token_type")?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(SsoRefusal::TokenType {
            found: Quoted::new(kind),
        });
    }
    let access = fetch::text(STEP, object, "access_token")?;
    Ok(Zeroizing::new(access.to_owned()))
}
