//! The end of a session.

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse as _;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use vestibule_accounts::SignOut;
use vestibule_handler::{Stranger, session_cookies};
use vestibule_layer::{Routes, Rule};

use crate::failure::Outcome;
use crate::form::FORM;
use crate::look::Look;
use crate::respond::{page, see_other, with_cookie};
use crate::web::Web;

pub(crate) fn routes() -> Routes<Web> {
    // Public: a session that has ended already is signed out of, too.
    Routes::pages()
        .get("/signed-out", Rule::public(), signed_out)
        .get("/signed-out/forget", Rule::public(), forget)
        .post("/sign-out", Rule::public().consumes(FORM), sign_out)
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    frame: Look,
    /// The URL that signs out at the identity provider, too.
    provider: Option<String>,
}

async fn signed_out(State(web): State<Web>) -> Outcome {
    let frame = web.look().clone();
    page(
        StatusCode::OK,
        &SignedOut {
            frame,
            provider: None,
        },
    )
}

/// Has the browser drop the pages that it keeps for the way back (Clear Site Data, 3.1). The page
/// that one has left is among them only once the next one is shown, so that this is a part of it,
/// and of no page of another site, which could have the browser fetch everything anew each time.
async fn forget(asked: HeaderMap) -> Outcome {
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let headers = answer.headers_mut();
    let site = asked.get("sec-fetch-site");
    if site.is_none_or(|site| site == "same-origin") {
        headers.insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"cache\""),
        );
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

async fn sign_out(State(web): State<Web>, stranger: Stranger, headers: HeaderMap) -> Outcome {
    let presented = SignOut {
        cookies: session_cookies(&headers, web.cookie()),
        token: None,
        address: stranger.address,
        request_id: stranger.request_id,
    };
    let provider = if let Some(sso) = web.sso() {
        sso.sign_out(&presented, None).await?
    } else {
        web.accounts().sign_out(&presented).await?;
        None
    };
    let answer = match provider {
        None => see_other("/signed-out")?,
        // A form may not end at another site, so that a person has to follow a link.
        provider => page(
            StatusCode::OK,
            &SignedOut {
                frame: web.look().clone(),
                provider,
            },
        )?,
    };
    with_cookie(answer, web.cookie().clear())
}
