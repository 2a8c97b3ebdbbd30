//! Connections: accepted, bounded in number, size and time, and drained at the end.

mod activity;
mod backlog;
mod crowd;
mod descriptors;
mod patience;
mod roster;

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tower::ServiceExt as _;
use vestibule_config::Timeouts;
use vestibule_http::TrustedProxies;

use crate::stack::StackService;
use activity::{Activity, HeadTimer};
use crowd::{Crowd, Place};
pub(crate) use descriptors::room_for;
use patience::{Patience, Peek};
use roster::Roster;

/// A connection that takes nothing of its answer for this long is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The bytes that a connection buffers before it reads on. A head of this many bytes is always
/// taken; one of twice as many, 64 KiB, never, and is answered 431.
const MAX_BUFFER: usize = 32 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 100;
/// The time that requests in flight have once the server is asked to end.
const DRAIN: Duration = Duration::from_secs(10);
/// The time that a head in transit has at shutdown: one network round trip.
const LAST_HEAD: Duration = Duration::from_millis(100);
/// The time that a handshake in progress has at shutdown.
const LAST_HANDSHAKE: Duration = Duration::from_millis(100);
/// The interval at which idle connections are looked through while there are many.
const TIDY: Duration = Duration::from_millis(100);
/// The pause after a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The bounds on connections: their number, and the time that they may wait.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Of all callers together. Further connections wait in the system's own queue, where they cost
    /// us nothing. From four fifths on, the connections that are idle for longest are closed.
    pub connections: usize,
    /// Of one IPv4 address or IPv6 network of 64 bits. Further connections are closed at once.
    pub per_address: usize,
    /// Proxies, whose connections are not counted as one address's: they bring everybody's.
    pub proxies: Arc<TrustedProxies>,
    /// The time for which a connection may be open without a complete request.
    pub timeouts: Timeouts,
}

/// Serves what `service` makes for each peer, until `shutdown` is ready; then closes what is idle,
/// answers what is in flight, in the system's queue or a moment away, and returns when that is
/// done, or after ten seconds. Then no connection is open any more. A change that is being stored
/// goes on in a task of its own: the end of the store waits for it.
pub async fn serve<S: StackService<Incoming>>(
    listener: TcpListener,
    bounds: Bounds,
    service: impl Fn(SocketAddr) -> S,
    shutdown: impl Future<Output = ()>,
) {
    let mut door = Door::new(bounds, service);
    let mut shutdown = std::pin::pin!(shutdown);
    let mut tidy = Instant::now();
    loop {
        tokio::select! {
            accepted = accept(&listener, &door.slots) => door.take(accepted).await,
            () = door.roster.one_ended() => {}
            () = sleep_until(tidy), if door.roster.is_crowded() => {
                door.roster.make_room();
                tidy = Instant::now() + TIDY;
            }
            () = &mut shutdown => break,
        }
    }
    let end = Instant::now() + DRAIN;
    door.ending = true;
    door.roster.end();
    door.take_the_last(listener, end).await;
    if door.roster.ended(end).await {
        tracing::warn!("requests in flight were cut off");
    }
}

type Accepted = std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)>;

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Accepted {
    let slot = slot(slots).await?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

async fn slot(slots: &Arc<Semaphore>) -> std::io::Result<OwnedSemaphorePermit> {
    Arc::clone(slots)
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)
}

/// The service behind a listener, and the bounds on its connections.
struct Door<F> {
    service: F,
    slots: Arc<Semaphore>,
    crowd: Crowd,
    roster: Roster,
    timeouts: Timeouts,
    origin: Instant,
    /// True if each connection is to end after its first answer.
    ending: bool,
}

impl<F, S> Door<F>
where
    F: Fn(SocketAddr) -> S,
    S: StackService<Incoming>,
{
    fn new(bounds: Bounds, service: F) -> Self {
        let connections = bounds.connections.min(Semaphore::MAX_PERMITS);
        Self {
            service,
            slots: Arc::new(Semaphore::new(connections)),
            crowd: Crowd::new(bounds.per_address, bounds.proxies),
            roster: Roster::new(connections, bounds.timeouts),
            timeouts: bounds.timeouts,
            origin: Instant::now(),
            ending: false,
        }
    }

    /// Serves a connection.
    async fn take(&mut self, accepted: Accepted) {
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: one of the open ones has to end first.
                tracing::warn!(%error, "a connection could not be accepted");
                return sleep(ACCEPT_AGAIN).await;
            }
        };
        let Some(place) = self.crowd.enter(peer.ip()) else {
            tracing::debug!(%peer, "this address has all the connections it may have");
            return;
        };
        // Answers are small and written whole: nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        let room = Room {
            _slot: slot,
            _place: place,
        };
        let activity = Arc::new(Activity::new(self.origin, self.timeouts));
        if self.ending {
            activity.end(LAST_HEAD);
        }
        let service = (self.service)(peer);
        let connection = connection(stream, service, Arc::clone(&activity), room);
        self.roster.spawn(activity, connection);
    }

    /// Serves the connections that the system has completed or is about to, then closes the
    /// listener. Whoever comes later is refused by the system.
    async fn take_the_last(&mut self, listener: TcpListener, end: Instant) {
        if let Err(error) = backlog::stop_handshakes(&listener) {
            tracing::debug!(%error, "the system goes on to complete handshakes");
        }
        let handshakes = Instant::now() + LAST_HANDSHAKE;
        loop {
            tokio::select! {
                accepted = accept(&listener, &self.slots) => self.take(accepted).await,
                () = self.roster.one_ended() => {}
                () = sleep_until(handshakes) => break,
            }
        }
        // From here on the system is asked itself: the runtime may be late with what it knows.
        let Ok(listener) = listener.into_std() else {
            return;
        };
        // The time is looked at in each turn: a slot that is free is given at any time, and accepting
        // may fail for as long as descriptors are short.
        while Instant::now() < end
            && let Ok(Ok(slot)) = timeout_at(end, slot(&self.slots)).await
        {
            let accepted = listener.accept().and_then(|(stream, peer)| {
                stream.set_nonblocking(true)?;
                Ok((TcpStream::from_std(stream)?, peer, slot))
            });
            match accepted {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                accepted => self.take(accepted).await,
            }
        }
    }
}

/// A connection's share of the bounds.
struct Room {
    _slot: OwnedSemaphorePermit,
    _place: Place,
}

async fn connection<S: StackService<Incoming>>(
    stream: impl AsyncRead + AsyncWrite + Peek + Unpin + Send + 'static,
    service: S,
    activity: Arc<Activity>,
    room: impl Send,
) {
    let stream = Patience::new(stream, Arc::clone(&activity));
    let ending = Arc::clone(&activity);
    let service = service.map_response(move |response| last_answer(&ending, response));
    let connection = http1::Builder::new()
        .timer(HeadTimer(Arc::clone(&activity)))
        .header_read_timeout(HeadTimer::TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    // In a block, so that the socket is closed before others may have its place.
    let ended = {
        let mut connection = std::pin::pin!(connection);
        std::future::poll_fn(|context| {
            activity.wake_me(context);
            connection.as_mut().poll(context)
        })
        .await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(room);
}

/// Says so in an answer after which the connection is closed (RFC 9112, section 9.6).
fn last_answer(activity: &Activity, mut response: Response) -> Response {
    if activity.is_ending() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}
