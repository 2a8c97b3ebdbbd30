//! An OpenID provider for development, on this machine alone.
//!
//! It asks nobody for a password: who opens its page says who they are, and it vouches for it. So
//! it listens on loopback only, knows one client, sends people back to that client alone, and says
//! in its issuer, in its documents and on every page what it is.

mod authorize;
mod documents;
mod end;
mod key;
mod pages;
mod parameters;
mod people;
mod state;
mod token;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::{CACHE_CONTROL, HOST};
use http::{HeaderValue, StatusCode};
use tokio::net::TcpListener;
use vestibule_model::{Clock, Entropy};
use vestibule_sso::PlainClientSecret;

use self::state::Provider;
use vestibule_config::Timeouts;
use vestibule_server::failure::Failure;
use vestibule_server::listen::{self, Bounds};
use vestibule_server::serve::plain;

/// The id of the one client.
pub const CLIENT_ID: &str = "vestibule";

/// The path below which everything is: part of the issuer, so that nobody takes it for another.
const PREFIX: &str = "/development-only";

/// Connections at once; one person tries one thing.
const CONNECTIONS: usize = 64;

/// The parts of a provider for development.
pub struct DevIdpParts {
    /// The secret of its one client.
    pub client_secret: PlainClientSecret,
    /// The prefix of the redirect URIs of its client.
    pub callbacks: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// The issuer of the provider that listens here.
pub fn issuer(address: SocketAddr) -> String {
    format!("http://{address}{PREFIX}")
}

/// Answers on a loopback listener until `shutdown` is ready.
///
/// # Errors
/// A listener that is not on loopback, or a key that cannot be generated.
pub fn serve(
    listener: TcpListener,
    parts: DevIdpParts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let address = listener.local_addr().map_err(Failure::from_error)?;
    if !address.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "The provider for development does not listen on {address}: it is for this machine alone."
        )));
    }
    let provider = Arc::new(Provider::new(address, parts)?);
    let router = router(provider);
    let bounds = Bounds {
        connections: CONNECTIONS,
        per_address: CONNECTIONS,
        proxies: Arc::default(),
        timeouts: Timeouts::default(),
    };
    Ok(tokio::spawn(listen::serve(
        listener,
        bounds,
        move |_| plain(router.clone()),
        shutdown,
    )))
}

fn router(provider: Arc<Provider>) -> Router {
    let routes = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(documents::discovery),
        )
        .route("/jwks", get(documents::keys))
        .route("/authorize", get(authorize::authorize))
        .route("/token", post(token::token))
        .route(
            "/userinfo",
            get(documents::userinfo).post(documents::userinfo),
        )
        .route("/end-session", get(end::end_session))
        .route("/logout-token", post(end::logout_token));
    Router::new()
        .nest(PREFIX, routes)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&provider),
            by_our_name,
        ))
        .with_state(provider)
}

/// Refuses requests under another name: a page elsewhere whose name was made to lead to loopback
/// does not talk to us. Nothing is to be cached.
async fn by_our_name(
    State(provider): State<Arc<Provider>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let host = request.headers().get(HOST);
    if host.is_none_or(|host| host.as_bytes() != provider.authority.as_bytes()) {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    let mut response = next.run(request).await;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}
