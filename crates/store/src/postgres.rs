//! Connections to PostgreSQL.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::StoreError;

/// How long to wait for a connection: a request that finds the database away is told so within a
/// second.
const PATIENCE: Duration = Duration::from_millis(900);

/// A connection unused for this long may be dead, and is asked before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// How many connections more there are for the question who is calling.
const CALLER_CONNECTIONS: u32 = 2;

#[derive(Clone)]
pub(crate) struct Postgres {
    pub(crate) pool: PgPool,
    /// For the question who is calling alone: neither writes nor other reads hold it up.
    callers: PgPool,
    pub(crate) options: PgConnectOptions,
}

impl Postgres {
    pub(crate) async fn open(
        options: &PgConnectOptions,
        connections: u32,
    ) -> Result<Self, StoreError> {
        let options = options
            .clone()
            .application_name("vestibule")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        // By itself first: the pool would only say that nothing came in time.
        let first = tokio::time::timeout(PATIENCE, options.connect()).await;
        first
            .map_err(|_| sqlx::Error::PoolTimedOut)??
            .close()
            .await?;
        let pool = pool_of(connections).connect_with(options.clone()).await?;
        // Connected at first use: the other pool has shown that the database answers.
        let callers = pool_of(CALLER_CONNECTIONS).connect_lazy_with(options.clone());
        Ok(Self {
            pool,
            callers,
            options,
        })
    }

    /// One of the connections kept for it, or, where these are in use, whichever is free first.
    pub(crate) async fn caller(&self) -> Result<PoolConnection<sqlx::Postgres>, sqlx::Error> {
        let kept = &self.callers;
        if kept.num_idle() > 0 || kept.size() < CALLER_CONNECTIONS {
            return kept.acquire().await;
        }
        tokio::select! {
            connection = kept.acquire() => connection,
            connection = self.pool.acquire() => connection,
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
        self.callers.close().await;
    }
}

fn pool_of(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}
