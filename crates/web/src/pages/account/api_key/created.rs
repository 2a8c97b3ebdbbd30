//! The page after a key was created: it shows the secret once.

use askama::Template;
use http::{HeaderMap, StatusCode};
use vestibule_accounts::NewKey;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ApiKey, ApiKeyId};

use crate::failure::{Outcome, no_such};
use crate::frame::Frame;
use crate::new_key::NewKeyCookie;
use crate::respond::{page, with_cookie};
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    Routes::pages().get("/account/keys/created/{key}", Rule::signed_in(), show)
}

/// The path of the page for one key.
pub(super) fn path(id: ApiKeyId) -> String {
    format!("/account/keys/created/{id}")
}

#[derive(Template)]
#[template(path = "account/key_created.html")]
struct Created<'a> {
    frame: &'a Frame,
    key: &'a ApiKey,
    secret: &'a str,
}

#[derive(Template)]
#[template(path = "account/key_shown.html")]
struct Shown<'a> {
    frame: &'a Frame,
    /// The key, where it is the caller's and stands.
    key: Option<&'a ApiKey>,
}

async fn show(headers: HeaderMap, visit: Visit) -> Outcome {
    let id = visit.param("key").and_then(|id| id.parse().ok());
    let id: ApiKeyId = id.ok_or_else(|| no_such("API key"))?;
    let cookie = NewKeyCookie::beside(visit.web.cookie());
    let accounts = visit.web.accounts();
    let new = accounts.new_key(&visit.permit, id, cookie.presented(&headers));
    let NewKey { key, secret } = new.await?;
    let frame = &visit.frame;
    match (&key, &secret) {
        (Some(key), Some(secret)) => {
            let secret = secret.expose();
            let answer = page(StatusCode::OK, &Created { frame, key, secret })?;
            with_cookie(answer, cookie.clear())
        }
        // Not cleared: it may belong to a key that another tab is about to show.
        _ => page(
            StatusCode::OK,
            &Shown {
                frame,
                key: key.as_ref(),
            },
        ),
    }
}
