//! PostgreSQL.

mod breaker;
mod connections;
mod loan;
mod wake;

use std::sync::Arc;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

pub(crate) use self::breaker::Breaker;
pub(crate) use self::connections::{Connections, PATIENCE, Share};
pub(crate) use self::loan::Loan;
pub(crate) use self::wake::{CHANNEL, Wake};
use crate::StoreError;

/// A database of PostgreSQL. A clone shares its connections.
#[derive(Clone)]
pub(crate) struct Postgres {
    pub(crate) connections: Arc<Connections>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) wake: Arc<Wake>,
    /// For a connection that is not one of the shared ones.
    pub(crate) options: PgConnectOptions,
}

impl Postgres {
    /// Connects once, which proves that the database answers.
    pub(crate) async fn open(options: &PgConnectOptions, count: u32) -> Result<Self, StoreError> {
        let options = options
            .clone()
            .application_name("vestibule")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let breaker = Arc::new(Breaker::default());
        let connections = Connections::new(options.clone(), count, Arc::clone(&breaker));
        let connections = Arc::new(connections);
        drop(connections.acquire(PATIENCE).await?);
        Ok(Self {
            wake: Arc::new(Wake::new(Arc::clone(&connections))),
            connections,
            breaker,
            options,
        })
    }
}
