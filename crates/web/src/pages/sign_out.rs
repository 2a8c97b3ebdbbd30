//! The end of a session.

use askama::Template;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
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
        .post("/sign-out", Rule::public().consumes(FORM), sign_out)
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    frame: Look,
    /// Where one signs out at the identity provider, too.
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
