//! The protected API of the quickstart: folders and documents in a tree of paths, and
//! conversations with agents. It is written as a customer's service would be: its own tables, and
//! nothing of Vestibule but the layer. What it does with its own data it does not record: Vestibule's
//! audit log holds what changes who may do what, among it the grants that go with a folder.
//!
//! What to look at first:
//! - `folder` declares each route with its rule, and its handlers take a `Permit`;
//! - `tree` asks the permit about the path that each step touches;
//! - `outbox` lets the grants follow what was moved or deleted, through every crash;
//! - `filter` cuts a list to what the caller may see, in the query;
//! - `agents` shows a plan's feature, limits, and an allowance that is counted exactly.

mod agents;
mod conversation;
mod database;
mod document;
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
mod outbox;
mod page;
mod parts;
mod path_parts;
mod refusals;
mod seed;
mod state;
mod system_folder;
mod tree;
mod version;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use vestibule_layer::model::{Clock, Entropy, OsEntropy, SystemClock};
use vestibule_layer::openapi::components;
use vestibule_layer::{ResourceChanges, Routes};

pub use database::{SampleDatabase, SampleError};
pub use listed::ListedItem;

/// Routes of this service, with their rules and descriptions.
type Documented = vestibule_layer::openapi::Documented<App>;

use database::Database;
use state::{App, Prepared};

/// The features that rules of the sample ask a plan for.
pub const PLAN_FEATURES: &[&str] = &[agents::FEATURE];
/// The limits of a plan that the sample applies.
pub const PLAN_LIMITS: &[&str] = &[agents::MESSAGES_PER_MONTH];

/// The service with its database. Cloning is cheap.
#[derive(Clone)]
pub struct Sample {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    prepared: Prepared,
}

impl Sample {
    /// Opens a database that has the sample's tables.
    ///
    /// # Errors
    /// [`SampleError::Absent`] where it has none, or where there is no file.
    pub async fn connect(database: &SampleDatabase) -> Result<Self, SampleError> {
        Ok(Self::on(Database::connect(database).await?))
    }

    /// Opens a database whether it has tables or not; makes the file where SQLite has none. For
    /// whoever calls [`migrate`](Self::migrate) next.
    pub async fn create(database: &SampleDatabase) -> Result<Self, SampleError> {
        Ok(Self::on(Database::create(database).await?))
    }

    fn on(database: Database) -> Self {
        Self {
            database,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            prepared: Prepared::default(),
        }
    }

    /// The same service with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Refuses writes to a database that is a file while `reserved` returns true: the disk is full, and
    /// the room that is left is for something else.
    #[must_use]
    pub fn refusing_writes_while(
        mut self,
        reserved: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        self.database.reserve(Arc::new(reserved));
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

    /// Moves what was written from SQLite's log into the file every so often, until `shutdown` is
    /// ready. Only waits on PostgreSQL.
    pub async fn run_checkpoints(&self, period: Duration, shutdown: impl Future<Output = ()>) {
        let Some(file) = self.database.file() else {
            return shutdown.await;
        };
        let mut ticks = tokio::time::interval(period.max(Duration::from_millis(1)));
        let empty = async {
            loop {
                ticks.tick().await;
                if let Err(error) = file.empty_log().await {
                    tracing::warn!(%error, "the log of the sample's database was not emptied");
                }
            }
        };
        tokio::select! {
            () = shutdown => {}
            () = empty => {}
        }
    }

    /// Watches SQLite's file, until `shutdown` is ready or the file was replaced or removed: then
    /// requests are answered 503 from that moment on, since nobody else sees what is read or
    /// written there. Only waits on PostgreSQL.
    pub async fn watch_file(&self, shutdown: impl Future<Output = ()>) {
        /// The interval at which the file is looked at.
        const INTERVAL: Duration = Duration::from_millis(250);
        let Some(file) = self.database.file() else {
            return shutdown.await;
        };
        let lost = async {
            while !file.is_lost() {
                tokio::time::sleep(INTERVAL).await;
            }
        };
        tokio::select! {
            () = shutdown => {}
            () = lost => self.database.close().await,
        }
    }

    /// The file of SQLite that was replaced or removed while it was open.
    pub fn lost_file(&self) -> Option<&Path> {
        let file = self.database.file()?;
        file.is_lost().then(|| file.path())
    }

    /// Moves what was written from SQLite's log into the file, and closes every connection; requests
    /// are answered 503 from then on.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample").finish_non_exhaustive()
    }
}

/// Returns the description of every route, with the components that it refers to.
pub fn openapi() -> OpenApi {
    let info = InfoBuilder::new().title("Sample").version("1").build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .components(Some(components()))
        .build();
    document.merge(documented().into_parts().1);
    document
}

fn documented() -> Documented {
    folder::documented()
        .merge(document::documented())
        .merge(agents::documented())
}
