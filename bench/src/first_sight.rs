//! Figures 3 and 4: the first sight of a key, on SQLite, with few and with many keys stored.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Runtime;
use vestibule_accounts::StoreDirectory;
use vestibule_check::{CacheBounds, Core, CoreParts, EntryPoint, OwnOrigin};
use vestibule_credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_layer::RuleTable;
use vestibule_model::session::Lifetimes;
use vestibule_model::{
    Actor, ApiKey, ApiKeyId, AuditId, AuditRecord, Clock, Membership, Organization, OrganizationId,
    OsEntropy, PlanName, Plans, Role, SystemClock, User, UserId,
};
use vestibule_store::{Store, StoreUrl};

use crate::cpu;
use crate::requests::{client, cost, request};
use crate::server::{Kind, Server};

/// How many keys each user has.
const KEYS_OF_A_USER: usize = 10;
/// How many keys of a database are used.
const SAMPLE: usize = 75_000;
const LOOKUPS: usize = 20_000;
const ROUNDS: usize = 15;

/// Fills a store with keys and gives an even sample of them.
pub(crate) async fn fill(store: &Store, count: usize) -> Result<Vec<PlainSecret>> {
    let (clock, entropy, prefix) = (&SystemClock, &OsEntropy, Prefix::default());
    let now = clock.now();
    let step = (count / SAMPLE).max(1);
    let mut sample = Vec::new();
    let mut number = 0;
    while number < count {
        // One transaction for every 50,000 keys keeps the journal small.
        let mut write = store.begin().await?;
        let organization = Organization {
            id: OrganizationId::mint(clock, entropy),
            name: "Bench".parse()?,
            plan: PlanName::default(),
            created_at: now,
            deactivated_at: None,
        };
        write.insert_organization(&organization).await?;
        for _ in 0..50_000.min(count) / KEYS_OF_A_USER {
            let user_id = UserId::mint(clock, entropy);
            let user = User {
                id: user_id,
                email: format!("{user_id}@example.com").parse()?,
                first_name: None,
                last_name: None,
                created_at: now,
                suspended_at: None,
            };
            write.insert_user(&user, None).await?;
            let membership = Membership {
                organization_id: organization.id,
                user_id,
                role: Role::User,
                created_at: now,
                deactivated_at: None,
            };
            write.insert_membership(&membership).await?;
            for _ in 0..KEYS_OF_A_USER {
                let secret = mint(&prefix, SecretKind::LiveKey, entropy);
                let key = ApiKey {
                    id: ApiKeyId::mint(clock, entropy),
                    organization_id: organization.id,
                    owner_id: user_id,
                    name: "bench".parse()?,
                    suffix: secret.suffix().to_owned(),
                    connection_id: None,
                    created_at: now,
                    expires_at: None,
                    last_used_at: None,
                    revoked_at: None,
                };
                write.insert_api_key(&key, &secret.digest(), false).await?;
                if number.is_multiple_of(step) {
                    sample.push(secret);
                }
                number += 1;
            }
        }
        write.commit(filled()).await?;
    }
    Ok(sample)
}

/// A check over a database that remembers hardly anybody, so that nearly every request is the
/// first sight of its key.
pub(crate) async fn check(table: RuleTable, database: &Path) -> Result<EntryPoint> {
    let store = Store::connect(StoreUrl::sqlite(database)).await?;
    let plans = Arc::new(Plans::default());
    let directory = StoreDirectory::new(store, Arc::new(SystemClock), plans, Lifetimes::default());
    let origin: OwnOrigin = "http://127.0.0.1".parse()?;
    let core = Core::new(CoreParts {
        cache: CacheBounds {
            entries: 16,
            ..CacheBounds::default()
        },
        ..CoreParts::new(Arc::new(directory))
    });
    Ok(core.entry_point(table, origin))
}

/// A request for each key, in no order: neighbours are not looked up together.
fn requests(keys: &[PlainSecret]) -> Vec<Vec<u8>> {
    (0..keys.len())
        .map(|index| &keys[index * 7_919 % keys.len()])
        .map(|key| request(&format!("Authorization: Bearer {}", key.expose())))
        .collect()
}

/// A database with this many keys, its server, and requests with some of them.
struct Candidate {
    count: usize,
    server: Server,
    requests: Arc<Vec<Vec<u8>>>,
    costs: Vec<f64>,
}

impl Candidate {
    fn build(runtime: &Runtime, folder: &Path, count: usize) -> Result<Self> {
        let database = folder.join(format!("{count}.db"));
        let keys = runtime.block_on(async {
            let store = Store::create(StoreUrl::sqlite(&database)).await?;
            store.migrate().await?;
            let keys = fill(&store, count).await?;
            store.close().await;
            anyhow::Ok(keys)
        })?;
        let server = Server::start(Kind::Stored, Some(&database))?;
        let requests = Arc::new(requests(&keys));
        // What is measured is a server at work, not the first touch of its file.
        cost(runtime, &server, &requests, SAMPLE)?;
        Ok(Self {
            count,
            server,
            requests,
            costs: Vec::new(),
        })
    }
}

pub(crate) fn measure() -> Result<()> {
    println!("a request with a key that was never seen, SQLite, processor time");
    println!("(goal 30 µs, first bar 60 µs; growth from 1,000 to 1,000,000 keys at most 1.3)");
    let runtime = client()?;
    let folder = tempfile::tempdir()?;
    let mut candidates = [1_000, 1_000_000]
        .map(|count| Candidate::build(&runtime, folder.path(), count))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        for candidate in &mut candidates {
            let cost = cost(&runtime, &candidate.server, &candidate.requests, LOOKUPS)?;
            candidate.costs.push(cost);
        }
    }
    let mut first = None;
    for candidate in candidates {
        let (count, cost) = (candidate.count, cpu::median(candidate.costs));
        let growth = cost / *first.get_or_insert(cost);
        println!("  {count:>9} keys: {cost:.1} µs, growth {growth:.2}");
    }
    Ok(())
}

/// Returns the audit record of rows that the bench has written.
pub(crate) fn filled() -> AuditRecord {
    AuditRecord {
        id: AuditId::mint(&SystemClock, &OsEntropy),
        at: SystemClock.now(),
        organization_id: None,
        actor: Actor::operator(),
        kind: "bench.filled",
        subject: None,
        details: "{}".to_owned(),
    }
}
