//! The page where one says who one is (OpenID Connect Core, 3.1.2).

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{LOCATION, REFERRER_POLICY};
use vestibule_model::Email;

use super::parameters::{Parameters, with_pairs};
use super::state::{Grant, Provider};
use super::{CLIENT_ID, pages};

/// Without a choice the page; with one, back to the client.
pub(super) async fn authorize(
    State(provider): State<Arc<Provider>>,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes());
    let asked = match Asked::read(&provider, &parameters) {
        Ok(asked) => asked,
        Err(what) => return pages::refused(&what),
    };
    if parameters.get("deny").is_some() {
        return asked.answer(&provider, ("error", "access_denied"));
    }
    let action = format!("{}/authorize", provider.issuer);
    let Some(text) = parameters.get("email") else {
        return pages::choose(&parameters, &action, None);
    };
    let Ok(email) = text.parse::<Email>() else {
        let wrong = "That is not an e-mail address.";
        return pages::choose(&parameters, &action, Some(wrong));
    };
    let code = provider.issue_code(Grant {
        redirect_uri: asked.redirect_uri.to_owned(),
        challenge: asked.challenge.to_owned(),
        nonce: asked.nonce.map(str::to_owned),
        email,
    });
    asked.answer(&provider, ("code", &code))
}

/// A client's request.
struct Asked<'p> {
    redirect_uri: &'p str,
    state: Option<&'p str>,
    nonce: Option<&'p str>,
    challenge: &'p str,
}

impl<'p> Asked<'p> {
    /// The request, or what is wrong with it and why.
    fn read(provider: &Provider, parameters: &'p Parameters) -> Result<Self, String> {
        let required = |name: &str| {
            let value = parameters.get(name);
            value.ok_or_else(|| format!("{name} must be there once."))
        };
        let client = required("client_id")?;
        if client != CLIENT_ID {
            return Err(format!(
                "client_id is {client}, which is unknown here: the one client of this provider is \
                 called {CLIENT_ID}."
            ));
        }
        let redirect_uri = required("redirect_uri")?;
        if !is_callback(redirect_uri, &provider.callbacks) {
            return Err(format!(
                "redirect_uri is not registered for this client: its redirect URIs begin with {}.",
                provider.callbacks
            ));
        }
        for (name, expected) in [("response_type", "code"), ("code_challenge_method", "S256")] {
            let found = required(name)?;
            if found != expected {
                return Err(format!("{name} is {found}, but must be {expected}."));
            }
        }
        if !required("scope")?.split(' ').any(|it| it == "openid") {
            return Err("scope must hold openid.".to_owned());
        }
        let challenge = required("code_challenge")?;
        if challenge.len() != 43 {
            return Err("code_challenge is not a SHA-256 in base64url.".to_owned());
        }
        Ok(Self {
            redirect_uri,
            state: parameters.get("state"),
            nonce: parameters.get("nonce"),
            challenge,
        })
    }

    /// Back to the client, with our name (RFC 9207).
    fn answer(&self, provider: &Provider, what: (&str, &str)) -> Response {
        let mut pairs = vec![what, ("iss", provider.issuer.as_str())];
        pairs.extend(self.state.map(|state| ("state", state)));
        let location = with_pairs(self.redirect_uri, &pairs);
        let headers = [
            (LOCATION, location),
            (REFERRER_POLICY, "no-referrer".to_owned()),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

/// A callback of the one client: the place, and behind it the id of a connection.
fn is_callback(uri: &str, place: &str) -> bool {
    let id = uri.strip_prefix(place);
    id.is_some_and(|id| {
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}
