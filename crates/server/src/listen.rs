//! Connections: accepted, bounded in number, size and time, and drained at the end.

mod crowd;
mod patience;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use vestibule_http::TrustedProxies;

use crate::stack::StackService;
use crowd::{Crowd, Place};
use patience::Patience;

/// A connection that has not sent a whole head for this long is closed, also one that is idle
/// between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that takes nothing of its answer for this long is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// What a connection buffers before it reads on. A head of this many bytes is always taken; one of
/// twice as many, 64 KiB, never, and is answered 431.
const MAX_BUFFER: usize = 32 * 1024;
/// How many headers a request may have.
const MAX_HEADERS: usize = 100;
/// How long requests in flight may take once the server is asked to end.
const DRAIN: Duration = Duration::from_secs(10);

/// How many connections are open at once.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Of all callers together. Further connections wait in the system's own queue, where they cost
    /// us nothing.
    pub connections: usize,
    /// Of one IPv4 address or IPv6 network of 64 bits. Further connections are closed at once.
    pub per_address: usize,
    /// Whose connections are not counted as one address's: they bring everybody's.
    pub proxies: Arc<TrustedProxies>,
}

/// Serves what `service` makes for each peer, until `shutdown` is ready; then accepts nothing
/// more, and returns when the requests in flight are answered, or after ten seconds. Then no
/// connection is open any more. A change that is being stored goes on in a task of its own: the end
/// of the store waits for it.
pub async fn serve<S: StackService<Incoming>>(
    listener: TcpListener,
    bounds: Bounds,
    service: impl Fn(SocketAddr) -> S,
    shutdown: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(
        bounds.connections.min(Semaphore::MAX_PERMITS),
    ));
    let crowd = Crowd::new(bounds.per_address, bounds.proxies);
    let drain = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer, slot)) => {
                let Some(place) = crowd.enter(peer.ip()) else {
                    tracing::debug!(%peer, "this address has all the connections it may have");
                    continue;
                };
                // Answers are small and written whole: nothing is gained by holding them back.
                let _ = stream.set_nodelay(true);
                let room = Room {
                    _slot: slot,
                    _place: place,
                };
                connections.spawn(connection(stream, service(peer), drain.watcher(), room));
            }
            Err(error) => {
                // Out of file descriptors, most likely: one of the open ones has to end first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, drain.shutdown()).await.is_err() {
        tracing::warn!("requests in flight were cut off");
    }
    // Whatever comes after this, such as the end of the store, is not to be met by one of them.
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

/// What a connection holds of the bounds.
struct Room {
    _slot: OwnedSemaphorePermit,
    _place: Place,
}

async fn connection<S: StackService<Incoming>>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: S,
    watcher: Watcher,
    room: impl Send,
) {
    let stream = Patience::new(stream, WRITE_TIMEOUT);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(room);
}
