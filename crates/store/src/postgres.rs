//! Connections to PostgreSQL.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::StoreError;

/// How long to wait for a connection: a request that finds the database away is told so within a
/// second.
const PATIENCE: Duration = Duration::from_millis(900);

/// A connection unused for this long may be dead, and is asked before it is used.
const FRESH: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct Postgres {
    pub(crate) pool: PgPool,
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
        let pool = PgPoolOptions::new()
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
            .connect_with(options.clone())
            .await?;
        Ok(Self { pool, options })
    }
}
