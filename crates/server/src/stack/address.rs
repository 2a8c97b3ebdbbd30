//! Who is on the other end, behind the proxies that the operator trusts.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use vestibule_http::{ClientAddress, ForwardedHeader, Problem, TrustedProxies, UnreadableEntry};

use crate::telemetry::Requests;

/// Notes that a trusted proxy has not said whose request it passes on; in the extensions, for
/// [`refusal`].
#[derive(Debug, Clone, Copy)]
struct Unreadable(ForwardedHeader);

/// Puts the client's address into the request's extensions. Where a proxy has added an entry that
/// names none, it is the proxy's own, for the log, and the request is refused further in.
pub(super) fn note(
    peer: IpAddr,
    proxies: Arc<TrustedProxies>,
    requests: Arc<Requests>,
) -> impl FnMut(Request) -> Request + Clone {
    let peer = peer.to_canonical();
    let is_proxy = proxies.trusts(peer);
    move |mut request| {
        let client = if is_proxy {
            proxies.client(peer, request.headers())
        } else {
            Ok(ClientAddress(peer))
        };
        let client = client.unwrap_or_else(|entry| {
            report(&entry, &requests);
            request.extensions_mut().insert(Unreadable(entry.header));
            ClientAddress(entry.proxy)
        });
        request.extensions_mut().insert(client);
        request
    }
}

/// Counts the request. Only the first one is logged: with a proxy that is set up wrongly, each is
/// like it.
#[cold]
fn report(entry: &UnreadableEntry, requests: &Requests) {
    if requests.count_unreadable() == 1 {
        tracing::warn!(
            proxy = %entry.proxy,
            header = %entry.header,
            entry = entry.entry,
            "a trusted proxy names no address of its client: such requests are refused; further \
             ones are only counted"
        );
    }
}

/// Refuses a request whose client a trusted proxy has not named. A peer that is no proxy has none.
#[inline]
pub(super) fn refusal(request: &Request) -> Option<Problem> {
    let Unreadable(header) = request.extensions().get()?;
    Some(unreadable(*header))
}

#[cold]
fn unreadable(header: ForwardedHeader) -> Problem {
    Problem::bad_request(
        "forwarded_for_unreadable",
        format!("A proxy in front of this server has written no address into {header}."),
    )
    .hint(
        "The proxy has to write its client's address, with or without a port; the operator finds \
         what it wrote in the log.",
    )
}
