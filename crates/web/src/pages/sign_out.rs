//! The end of a session.

use askama::Template;
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use std::convert::Infallible;
use std::net::IpAddr;
use vestibule_accounts::{Origin, SignOut};
use vestibule_http::{ClientAddress, RequestId};
use vestibule_layer::{Routes, Rule};

use crate::cookie;
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

/// Where a request without a permit comes from.
#[derive(Debug, Clone)]
pub(crate) struct Stranger {
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: Option<String>,
}

impl From<Stranger> for Origin {
    fn from(stranger: Stranger) -> Self {
        Self {
            address: stranger.address,
            request_id: stranger.request_id,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Stranger {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<ClientAddress>();
        let request_id = parts.extensions.get::<RequestId>();
        Ok(Self {
            address: address.map(|address| address.0),
            request_id: request_id.map(|id| id.as_str().to_owned()),
        })
    }
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
        cookies: cookie::sessions(&headers, web.cookie()),
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
