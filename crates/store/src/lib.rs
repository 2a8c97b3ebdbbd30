//! The only place with SQL: repositories, transactions, migrations and the change feed, on SQLite
//! and on PostgreSQL.
//!
//! Reads are methods of [`Store`], writes are methods of [`Write`], which is a transaction. A
//! query of an organisation's data takes an [`OrgScope`](vestibule_model::OrgScope). Plain secrets
//! never come here: digests, PHC texts and sealed bytes do.
//!
//! ```no_run
//! # use vestibule_model::{AuditRecord, Change, OrgScope, PlanName};
//! # use vestibule_store::{Store, StoreError, StoreUrl};
//! # async fn example(scope: OrgScope, plan: &PlanName, record: AuditRecord) -> Result<(), StoreError> {
//! let store = Store::create(StoreUrl::sqlite("vestibule.db")).await?;
//! store.migrate().await?;
//!
//! let mut write = store.begin().await?;
//! write.set_plan(scope, plan).await?;
//! write.change(Change::Organization(scope.organization_id()));
//! write.commit(record).await?; // no record, no commit
//! # Ok(())
//! # }
//! ```
//!
//! # How to add a repository
//!
//! 1. Give the noun a file in `model` (`crates/model/src`), and a file of the same name here.
//! 2. Write its table into a new migration, under the same number in `migrations/sqlite` and
//!    `migrations/postgres`. Migrations only go forward, are never edited, and leave a database
//!    that the previous version still runs on: add columns that may be null, drop nothing in use.
//!    They are applied beside servers that run, a backup that reads, and changes under way. So on
//!    PostgreSQL a new column has no `NOT NULL` and no value of its own in each row, and an index on
//!    a table in use has a migration to itself, which begins with the line `-- no-transaction` and
//!    is one `CREATE INDEX CONCURRENTLY IF NOT EXISTS` (on SQLite, which builds faster than anybody
//!    waits, the same without the second word). A test holds them to it; the runner tries what
//!    waits for a lock again and again, half a second each time (`migration/postgres.rs`).
//!    On SQLite a table is `STRICT`; ids are `BLOB` there and `UUID` on PostgreSQL, times
//!    `INTEGER` and `BIGINT` (microseconds), flags `INTEGER` and `BOOLEAN`, digests `BLOB` and
//!    `BYTEA`, text that is compared `TEXT` and `TEXT COLLATE "C"`.
//! 3. Write each query once, with `$1`, `$2`, …, in what both engines understand (`RETURNING`,
//!    `ON CONFLICT`, `STRING_AGG`, `COALESCE`, `CASE`; neither engine's own date functions), and
//!    run it with `sql(…).bind(…)`. Name the columns; never `SELECT *`. A new type of the model
//!    becomes a value (`sql/value.rs`) and a column (`sql/column.rs`).
//! 4. Reads go on `Store`, writes on `Write`; a read that a decision inside a transaction needs,
//!    on both, over one function that takes a `Source`. What happens once is one atomic statement
//!    that says whether it happened; what is counted first is counted after
//!    [`Write::lock_organization`].
//! 5. If it makes a cached principal wrong, its caller says so with [`Write::change`].
//! 6. A list is a `listing!` (`page/listing.rs`) with an index of its order, each index in a migration
//!    of its own. What stands in `$1 IS NULL OR …` uses no index: write one text for each case.
//! 7. Add it to the conformance suite (`tests/`), which runs everything on both engines, and call it
//!    in `plans/tests.rs`, which asks both engines how they answer it; one that is forgotten there
//!    fails a test.

mod api_key;
mod attempt;
mod audit;
mod caller;
mod clock_doubt;
mod connection;
mod domain;
mod enforcement;
mod error;
mod feed;
mod grant;
mod group;
mod health;
mod hold;
mod housekeeping;
mod identity;
mod keyring;
mod membership;
mod migration;
mod one_time_code;
mod organization;
mod page;
mod pending_sign_in;
#[cfg(test)]
mod plans;
mod postgres;
mod prompt;
mod redirect_uri;
mod refresh;
mod resource_change;
mod scope;
mod session;
mod spent_token;
mod sql;
mod sqlite;
mod sso_session;
mod store;
mod unaudited;
mod url;
mod usage;
mod user;
mod write;

pub use api_key::NarrowedApiKey;
pub use audit::{AuditFilter, AuditRow, Followed};
pub use caller::CallerRow;
pub use connection::ConnectionSecrets;
pub use enforcement::SsoPolicy;
pub use error::{Conflict, StoreError};
pub use feed::{ChangeSink, LEASE};
pub use grant::{GrantsBelow, HoldingKey, PlacedGrant};
pub use housekeeping::Pruned;
pub use keyring::SealedKeyRow;
pub use one_time_code::OneTimeCode;
pub use page::{Count, Cursor, Listed, Page, Start};
pub use pending_sign_in::PendingSignIn;
pub use refresh::Successor;
pub use resource_change::ResourceChange;
pub use sso_session::SsoSession;
pub use store::Store;
pub use unaudited::UnauditedWrite;
pub use url::{Checkpoints, StoreOptions, StoreUrl, StoreUrlError};
pub use user::SignInRow;
pub use write::Write;

// The unit tests share the databases of the conformance suite.
#[cfg(test)]
extern crate self as vestibule_store;
#[cfg(test)]
mod explained;
#[cfg(test)]
#[path = "../tests/conformance/support.rs"]
mod support;
