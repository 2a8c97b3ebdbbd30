//! The herd: 800 requests at once with a key that was never seen, and 800 with one each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;
use vestibule_accounts::StoreDirectory;
use vestibule_check::{Core, CoreParts, EntryPoint, OwnOrigin};
use vestibule_credential::frame::PlainSecret;
use vestibule_layer::RuleTable;
use vestibule_model::session::Lifetimes;
use vestibule_model::{Plans, SystemClock};
use vestibule_store::{Store, StoreUrl};

use crate::client::{self, Connection};
use crate::requests::request;
use crate::server::{Kind, Server};
use crate::{delay, first_sight};

const HERD: usize = 800;
/// The distance to PostgreSQL.
const DISTANCE: Duration = Duration::from_millis(5);
/// Keys for the rate of first sights.
const MANY: usize = 20_000;
/// A server of PostgreSQL on which databases may be made, as the tests have it.
const VARIABLE: &str = "VESTIBULE_TEST_POSTGRES";

/// A check over a database, which is a file or a URL, that remembers whom it has seen.
pub(crate) async fn check(table: RuleTable, database: &Path) -> Result<EntryPoint> {
    let store = Store::connect(url(database)?).await?;
    let plans = Arc::new(Plans::default());
    let directory = StoreDirectory::new(store, Arc::new(SystemClock), plans, Lifetimes::default());
    let origin: OwnOrigin = "http://127.0.0.1".parse()?;
    let core = Core::new(CoreParts::new(Arc::new(directory)));
    Ok(core.entry_point(table, origin))
}

fn url(database: &Path) -> Result<StoreUrl> {
    match database.to_str() {
        Some(url) if url.starts_with("postgres") => Ok(url.parse()?),
        _ => Ok(StoreUrl::sqlite(database)),
    }
}

/// Makes a database with keys.
async fn fill(database: &Path) -> Result<Vec<PlainSecret>> {
    let store = Store::create(url(database)?).await?;
    store.migrate().await?;
    let keys = first_sight::fill(&store, MANY).await?;
    store.close().await;
    Ok(keys)
}

/// Sends all requests at once, each on a connection of its own that is open already; the statuses,
/// and how long the last took.
async fn at_once(port: u16, requests: Vec<Vec<u8>>) -> Result<(BTreeMap<u16, u32>, Duration)> {
    let mut connections = Vec::with_capacity(requests.len());
    for _ in &requests {
        connections.push(Connection::open(port).await?);
    }
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (mut connection, request) in connections.into_iter().zip(requests) {
        tasks.spawn(async move { connection.ask(&request).await });
    }
    let mut statuses = BTreeMap::new();
    while let Some(status) = tasks.join_next().await {
        *statuses.entry(status??).or_default() += 1;
    }
    Ok((statuses, start.elapsed()))
}

fn tell(what: &str, (statuses, last): &(BTreeMap<u16, u32>, Duration)) {
    let failed = statuses.get(&503).copied().unwrap_or_default();
    println!(
        "  {HERD} requests with {what}: {failed} × 503 of {statuses:?}, the last after {:.0} ms",
        last.as_secs_f64() * 1e3
    );
}

fn herd(runtime: &Runtime, served: &Path, keys: &[PlainSecret]) -> Result<()> {
    let bearer = |key: &PlainSecret| request(&format!("Authorization: Bearer {}", key.expose()));
    let (first, others) = keys.split_first().context("a key")?;
    ensure!(others.len() > HERD, "too few keys");
    let (herd, many) = others.split_at(HERD);
    let server = Server::start(Kind::Herd, Some(served))?;
    let one = runtime.block_on(at_once(server.port, vec![bearer(first); HERD]))?;
    tell("one new key", &one);
    let each = herd.iter().map(bearer).collect();
    tell(
        "a new key each",
        &runtime.block_on(at_once(server.port, each))?,
    );
    let many: Arc<Vec<_>> = Arc::new(many.iter().map(bearer).collect());
    let start = Instant::now();
    runtime.block_on(client::load(server.port, 32, many.len(), &many))?;
    let rate = f64::from(u32::try_from(many.len())?) / start.elapsed().as_secs_f64();
    println!("  first sights by 32 connections: {rate:.0} a second");
    Ok(())
}

/// A database of PostgreSQL that is dropped with this value.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn create(server: String) -> Result<Self> {
        let name = format!("bench_{}", std::process::id());
        psql(&server, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { server, name })
    }

    fn url(&self) -> Result<String> {
        let (server, _) = self.server.rsplit_once('/').context("a database")?;
        Ok(format!("{server}/{}", self.name))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let _ = psql(&self.server, &statement);
    }
}

fn psql(server: &str, statement: &str) -> Result<()> {
    let status = Command::new("psql")
        .args(["--quiet", "--command", statement, server])
        .status()
        .context("start psql")?;
    ensure!(status.success(), "psql: {status}");
    Ok(())
}

pub(crate) fn measure() -> Result<()> {
    println!("a herd with keys that were never seen (bar: no 503)");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("herd.db");
    let keys = runtime.block_on(fill(&file))?;
    println!(" on SQLite");
    herd(&runtime, &file, &keys)?;

    let Ok(server) = std::env::var(VARIABLE) else {
        println!(" on PostgreSQL: not measured, {VARIABLE} names none");
        return Ok(());
    };
    let database = Database::create(server)?;
    let url = database.url()?;
    let keys = runtime.block_on(fill(Path::new(&url)))?;
    for distance in [Duration::ZERO, DISTANCE] {
        let (_, target) = delay::by_way_of(&url, 0)?;
        let port = runtime.block_on(delay::start(target, distance))?;
        let (far, _) = delay::by_way_of(&url, port)?;
        println!(" on PostgreSQL, {} ms away", distance.as_millis());
        herd(&runtime, &PathBuf::from(far), &keys)?;
    }
    Ok(())
}
