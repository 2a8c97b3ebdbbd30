//! Who is on the other end, behind the proxies that the operator trusts.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use vestibule_http::TrustedProxies;

/// Puts the client's address into the request's extensions.
pub(super) fn note(
    peer: IpAddr,
    proxies: Arc<TrustedProxies>,
) -> impl FnMut(Request) -> Request + Clone {
    move |mut request| {
        let client = proxies.client(peer, request.headers());
        request.extensions_mut().insert(client);
        request
    }
}
