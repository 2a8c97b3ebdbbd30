//! The running server, from its listeners to its orderly end.

mod early_end;
mod ports;
mod sample;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use vestibule_accounts::{Duties, Intervals, Shutdown, Tasks};
use vestibule_config::{PublicUrl, Settings};

use self::early_end::{file_lost, task_ended};
use self::ports::address;
pub use self::ports::bind;
use crate::admin;
use crate::failure::Failure;
use crate::listen::{self, Bounds};
use crate::stack::StackService;
use crate::wiring::{self, OldClock, Tables, Wired};

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

    /// The URL for callers.
    pub fn url(&self) -> &str {
        self.public_url.as_str()
    }

    /// The URL for callers, typed.
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// The URL for probes and metrics.
    pub fn admin_url(&self) -> Result<String, Failure> {
        Ok(format!("http://{}", address(&self.admin_listener)?))
    }

    /// The parts of the server.
    pub fn wired(&self) -> &Wired {
        &self.wired
    }

    /// Answers until `asked` is ready, then ends in order: accepts nothing more, answers requests in
    /// flight, writes down what was counted, closes the store. Calls `started` once requests are
    /// answered.
    ///
    /// # Errors
    /// When a background task ends early, since the server would not keep its promises without it,
    /// or when the database file is replaced or removed. The server ends in the same order then.
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
            sample::look_after(&mut duties, sample, changes, checkpoints, &duties_end).await;
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
            (None, Some(name)) => Err(task_ended(name)),
            (None, None) => Ok(()),
        }
    }
}

/// A router without layers of ours, as connections want it.
pub fn plain(router: Router) -> impl StackService<Incoming> {
    router.map_request(|request: Request<Incoming>| request.map(Body::new))
}

#[cfg(test)]
mod tests;
