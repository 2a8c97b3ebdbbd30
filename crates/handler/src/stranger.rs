//! What is known of a caller before anybody knows who it is.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use vestibule_accounts::{RequestSource, SignOut};
use vestibule_check::bearer_token;
use vestibule_http::{ClientAddress, RequestId, SessionCookie};

use crate::session_cookies;

/// The origin of a request without a permit.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The id of the request in the log.
    pub request_id: Option<String>,
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

impl From<Stranger> for RequestSource {
    fn from(stranger: Stranger) -> Self {
        Self {
            address: stranger.address,
            request_id: stranger.request_id,
        }
    }
}

impl Stranger {
    /// A sign-out with the bearer token of a request.
    pub fn sign_out(self, headers: &HeaderMap) -> SignOut<'_> {
        SignOut {
            cookies: Vec::new(),
            token: bearer_token(headers),
            address: self.address,
            request_id: self.request_id,
        }
    }

    /// A sign-out with all that a browser's request presents: cookies, and a bearer token.
    pub fn sign_out_of_browser<'r>(
        self,
        headers: &'r HeaderMap,
        cookie: &SessionCookie,
    ) -> SignOut<'r> {
        SignOut {
            cookies: session_cookies(headers, cookie),
            ..self.sign_out(headers)
        }
    }
}
