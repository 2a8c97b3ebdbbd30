//! The protected API of the quickstart: folders and documents in a tree of paths, and
//! conversations with agents. It is written as a customer's service would be: its own tables, and
//! nothing of Vestibule but the layer. What it does with its own data it does not record: Vestibule's
//! audit log holds what changes who may do what, among it the grants that go with a folder.
//!
//! What to look at first:
//! - `folder` declares each route with its rule, and its handlers take a `Permit`;
//! - `tree` asks the permit about the path that each step touches;
//! - `filter` cuts a list to what the caller may see, in the query;
//! - `agents` shows a plan's feature, limits, and an allowance that is counted exactly.

mod agents;
mod conversation;
mod database;
mod document;
mod documented;
mod error;
mod filter;
mod folder;
mod guard;
mod id;
mod list;
mod listed;
mod month;
mod name;
mod node;
mod page;
mod parts;
mod path_parts;
mod seed;
mod state;
mod tree;
mod version;

use std::sync::Arc;

use utoipa::openapi::OpenApi;
use vestibule_layer::model::{Clock, Entropy, OsEntropy, SystemClock};
use vestibule_layer::{ResourceChanges, Routes};

pub use database::SampleError;
pub use listed::ListedItem;

use database::Database;
use documented::Documented;
use state::{App, Prepared};

/// The service with its database. Cloning is cheap.
#[derive(Clone)]
pub struct Sample {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    prepared: Prepared,
}

impl Sample {
    /// Opens the database at `sqlite:/path/to/a/file` (made where it is missing) or
    /// `postgres://user@host/database`.
    ///
    /// On SQLite the file has to be the sample's own: a move keeps it locked while it waits for
    /// the grants to follow, which a store in the same file could not write. On PostgreSQL the
    /// tables may stand beside others.
    pub async fn connect(url: &str) -> Result<Self, SampleError> {
        Ok(Self {
            database: Database::connect(url).await?,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            prepared: Prepared::default(),
        })
    }

    /// The same service with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the tables, or brings them up to date. May run beside other servers.
    pub async fn migrate(&self) -> Result<(), SampleError> {
        self.database.migrate().await
    }

    /// The routes with their rules, `/v1` and `/api` alike. `changes` hears of every folder and
    /// document that comes to a path, gets another one, or is deleted.
    pub fn routes(&self, changes: Arc<dyn ResourceChanges>) -> Routes {
        let app = App {
            sample: self.clone(),
            changes,
        };
        documented().into_parts().0.with_state(app)
    }

    /// Closes every connection; requests are answered 503 from then on.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample").finish_non_exhaustive()
    }
}

/// The description of every route. It names the security schemes `bearer` and `cookie`, which
/// whoever merges it declares.
pub fn openapi() -> OpenApi {
    documented().into_parts().1
}

fn documented() -> Documented<App> {
    folder::documented()
        .merge(document::documented())
        .merge(agents::documented())
}
