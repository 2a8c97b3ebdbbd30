//! The JSON routes: `v1` for programs, `browser` for applications that draw their own pages,
//! and what says how to use them: the OpenAPI document and the list of problems.
//!
//! Each handler reads its input, calls one operation of `accounts`, and writes down the answer.
//! Path and method stand in the handler's annotation, its rule stands in the `routes()` above it,
//! and both the route table and the document are made from the two.

mod browser;
mod keyring;
mod openapi;
mod page;
mod problems;
mod schema;
mod service;
mod single_sign_on;
mod v1;

use std::sync::Arc;

use axum::extract::FromRef;
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use vestibule_accounts::Accounts;
use vestibule_federation::Sso;
use vestibule_http::SessionCookie;
use vestibule_layer::{PathParts, Routes};

pub use openapi::openapi;

/// Routes of this crate, with their rules and descriptions.
type Documented = vestibule_layer::openapi::Documented<ApiState>;

/// The state of the handlers.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// All operations.
    pub accounts: Accounts,
    /// Single sign-on; its routes answer 404 where it is `None`.
    pub sso: Option<Sso>,
    /// The source of the ids of the resources at the paths of grants; grants are named by path
    /// alone where it is `None`.
    pub path_parts: Option<Arc<dyn PathParts>>,
    /// The name and attributes of the session cookie.
    pub cookie: SessionCookie,
    /// The OpenAPI document of the whole server, as JSON.
    pub document: Bytes,
}

impl ApiState {
    /// The state of a server with this document, into which the documents of its other crates are
    /// merged.
    ///
    /// # Errors
    /// When the document cannot be written as JSON, which one of [`openapi()`] can.
    pub fn new(
        accounts: Accounts,
        cookie: SessionCookie,
        document: &OpenApi,
    ) -> serde_json::Result<Self> {
        Ok(Self {
            accounts,
            sso: None,
            path_parts: None,
            cookie,
            document: serde_json::to_vec(document)?.into(),
        })
    }

    /// The same, with single sign-on.
    #[must_use]
    pub fn with_sso(self, sso: Sso) -> Self {
        Self {
            sso: Some(sso),
            ..self
        }
    }

    /// The same, with a service whose resources grants may be named by.
    #[must_use]
    pub fn with_path_parts(self, path_parts: Arc<dyn PathParts>) -> Self {
        Self {
            path_parts: Some(path_parts),
            ..self
        }
    }
}

impl FromRef<ApiState> for Accounts {
    fn from_ref(state: &ApiState) -> Self {
        state.accounts.clone()
    }
}

/// All routes, with their rules.
pub fn routes(state: ApiState) -> Routes {
    let (routes, _) = documented().into_parts();
    routes.with_state(state)
}

fn documented() -> Documented {
    service::routes()
        .merge(problems::routes())
        .merge(openapi::routes())
        .merge(keyring::routes())
        .merge(v1::routes())
        .merge(browser::routes())
}
