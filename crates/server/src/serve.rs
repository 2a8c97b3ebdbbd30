//! The running server, from its listeners to its orderly end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpSocket};
use tower::ServiceExt as _;
use vestibule_accounts::{Duties, Intervals, Shutdown, Tasks};
use vestibule_layer::ResourceChanges;
use vestibule_sample::Sample;

use crate::failure::Failure;
use crate::listen::Bounds;
use crate::stack::StackService;
use crate::wiring::{OldClock, Tables, Wired};
use crate::{admin, listen, wiring};
use vestibule_config::{PublicUrl, Settings};

/// Connections that may wait to be accepted. A burst beyond it is dropped by the system, and each
/// client tries again after a whole second; the usual 128 are too few for a few hundred at once.
const WAITING_CONNECTIONS: u32 = 4_096;

/// The time that the start waits for grants to follow what the sample has changed before.
const OUTBOX_PATIENCE: Duration = Duration::from_secs(5);

/// Connections for probes; nobody needs more.
const ADMIN_CONNECTIONS: usize = 64;
/// The most that one address may have, so that a metrics reader leaves some to the probes.
const ADMIN_CONNECTIONS_PER_ADDRESS: usize = 32;

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    admin_listener: TcpListener,
    bounds: Bounds,
    public_url: PublicUrl,
    wired: Wired,
    checkpoints: Duration,
}

impl Server {
    /// Takes the ports first, so that a second server on them fails before it touches anything;
    /// then opens the store, which has to have tables, and brings them up to date.
    pub async fn prepare(settings: &Settings, old_clock: OldClock) -> Result<Self, Failure> {
        let listener = bind("server.listen", settings.server.listen).await?;
        let admin_listener = bind("server.admin_listen", settings.server.admin_listen).await?;
        Self::on(
            listener,
            admin_listener,
            settings,
            Tables::Upgrade,
            old_clock,
        )
        .await
    }

    /// A server on listeners that are bound already.
    pub async fn on(
        listener: TcpListener,
        admin_listener: TcpListener,
        settings: &Settings,
        tables: Tables,
        old_clock: OldClock,
    ) -> Result<Self, Failure> {
        let public_url = match &settings.server.public_url {
            Some(url) => url.clone(),
            None => PublicUrl::of(address(&listener)?),
        };
        let wired = wiring::server(settings, &public_url, tables, old_clock).await?;
        Ok(Self {
            listener,
            admin_listener,
            bounds: Bounds {
                connections: listen::room_for(settings.server.max_connections),
                per_address: settings.server.max_connections_per_address,
                proxies: Arc::new(settings.server.trusted_proxies.clone()),
                timeouts: settings.server.timeouts,
            },
            public_url,
            wired,
            checkpoints: Duties::CHECKPOINTS,
        })
    }

    /// The URL at which callers reach it.
    pub fn url(&self) -> &str {
        self.public_url.as_str()
    }

    /// The same, typed.
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// The URL at which probes reach it.
    pub fn admin_url(&self) -> Result<String, Failure> {
        Ok(format!("http://{}", address(&self.admin_listener)?))
    }

    /// The parts of the server.
    pub fn wired(&self) -> &Wired {
        &self.wired
    }

    /// Answers until `asked` is ready, then ends in order: accept nothing more, answer what is in
    /// flight, write down what was counted, close the store. `started` is called once requests
    /// are answered.
    ///
    /// # Errors
    /// When a task that runs as long as the server does ends before that: without it the server
    /// would not be what it promises. So it is with a database file that is replaced or removed. The
    /// server ends in the same order then.
    pub async fn run(
        self,
        asked: impl Future<Output = ()>,
        started: impl FnOnce(),
    ) -> Result<(), Failure> {
        let Self {
            listener,
            admin_listener,
            bounds,
            public_url: _,
            wired,
            checkpoints,
        } = self;
        let store = wired.accounts.store().clone();
        // Requests end first, and what counts them afterwards.
        let (requests_end, duties_end) = (Shutdown::new(), Shutdown::new());

        let mut duties = Tasks::default();
        let (intervals, trust) = (Intervals::default(), wired.clock_trust);
        let mut worker = Duties::new(wired.accounts, wired.core, intervals, trust);
        if let Some(limiter) = wired.sso_starts {
            worker = worker.with_limiter(limiter);
        }
        worker.spawn_on(&mut duties, checkpoints, &duties_end);
        if let Some(sample) = &wired.sample {
            let changes = Arc::clone(&wired.changes);
            look_after_sample(&mut duties, sample, changes, checkpoints, &duties_end).await;
        }

        let probes = admin::router(store.clone(), wired.metrics);
        let answers = listen::serve(
            admin_listener,
            Bounds {
                connections: ADMIN_CONNECTIONS,
                per_address: ADMIN_CONNECTIONS_PER_ADDRESS,
                proxies: Arc::default(),
                timeouts: bounds.timeouts,
            },
            move |_| plain(probes.clone()),
            duties_end.asked(),
        );
        duties.spawn("answering probes", answers);

        let mut requests = Tasks::default();
        let stack = wired.stack;
        let answers = listen::serve(
            listener,
            bounds,
            move |peer: SocketAddr| stack.service(peer.ip()),
            requests_end.asked(),
        );
        requests.spawn("answering requests", answers);
        started();

        let missing = tokio::select! {
            () = asked => None,
            name = duties.one_ended() => Some(name),
            name = requests.one_ended() => Some(name),
        };
        let lost = store.lost_file();
        let lost = lost.or_else(|| wired.sample.as_ref()?.lost_file());
        if let Some(file) = lost {
            tracing::error!(file = %file.display(), "the database file was replaced or removed: the server ends");
        } else if let Some(name) = missing {
            tracing::error!(task = name, "a task has ended early: the server ends, too");
        }
        requests_end.begin();
        requests.all_ended().await;
        duties_end.begin();
        duties.all_ended().await;
        if let Some(sample) = &wired.sample {
            sample.close().await;
        }
        store.empty_log_and_close().await;
        match (lost, missing) {
            (Some(file), _) => Err(file_lost(file)),
            (None, Some(name)) => Err(ended_early(name)),
            (None, None) => Ok(()),
        }
    }
}

/// Finishes what the sample has left undone, and spawns its duties.
async fn look_after_sample(
    duties: &mut Tasks,
    sample: &Sample,
    changes: Arc<dyn ResourceChanges>,
    checkpoints: Duration,
    duties_end: &Shutdown,
) {
    let (each, end) = (sample.clone(), duties_end.asked());
    duties.spawn("emptying the log of the sample's database", async move {
        each.run_checkpoints(checkpoints, end).await;
    });
    let (each, end) = (sample.clone(), duties_end.asked());
    duties.spawn("watching the sample's database", async move {
        each.watch_file(end).await;
    });
    // Before requests are answered, what the last server could not finish; but a database
    // that does not answer must not keep this one from saying so.
    let finish = sample.finish_outbox(&*changes);
    if tokio::time::timeout(OUTBOX_PATIENCE, finish).await.is_err() {
        tracing::warn!("the sample's outbox is finished later");
    }
    let (each, end) = (sample.clone(), duties_end.asked());
    duties.spawn("letting grants follow the sample", async move {
        each.run_outbox(changes, end).await;
    });
}

fn file_lost(file: &Path) -> Failure {
    Failure::failed(format!(
        "The server has ended because {} was replaced or removed while it ran.",
        file.display()
    ))
    .reason("database_replaced")
    .hint(
        "Nothing is answered from a file that nobody else sees. Put the right file in its place, \
         with no server running and without a log (-wal) of another file beside it, and start the \
         server again.",
    )
}

fn ended_early(name: &str) -> Failure {
    Failure::failed(format!(
        "The server has ended because one of its tasks did: {name}."
    ))
    .reason("task_ended")
    .hint("The log says why. Start the server again, and please report it.")
}

/// A router without layers of ours, as connections want it.
pub fn plain(router: Router) -> impl StackService<Incoming> {
    router.map_request(|request: Request<Incoming>| request.map(Body::new))
}

/// Takes a port.
pub async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    listener_on(address).map_err(|error| {
        Failure::failed(format!("Cannot listen on {address}: {error}.")).hint(format!(
            "Choose another address with {key}; port 0 takes any free port."
        ))
    })
}

fn listener_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // As for any server that is started again: the last one's connections do not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_CONNECTIONS)
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(Failure::from_error)
}

#[cfg(test)]
mod tests;
