//! Figures 3 and 4: the first sight of a key, on SQLite, with few and with many keys stored.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderValue, Method};
use vestibule_accounts::StoreDirectory;
use vestibule_check::{Check, CheckParts, Directory, OwnOrigin, RequestHead};
use vestibule_credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_layer::{Dialect, Rule, RuleTable};
use vestibule_model::session::Lifetimes;
use vestibule_model::{
    ApiKey, ApiKeyId, Clock, Membership, Organization, OrganizationId, OsEntropy, PlanName, Plans,
    Role, SystemClock, User, UserId,
};
use vestibule_store::{Store, StoreUrl};

use crate::cpu;

/// How many keys each user has.
const KEYS_OF_A_USER: usize = 10;
/// How many keys are looked up in each round, in no order.
const LOOKUPS: usize = 1_000;
const ROUNDS: usize = 15;
/// How many keys are looked up before, so that what is measured is a server at work and not the
/// first touch of its file.
const WARM_UP: usize = 60_000;

/// Fills a store with keys and gives an even sample of them.
async fn fill(store: &Store, count: usize) -> Result<Vec<PlainSecret>> {
    let (clock, entropy, prefix) = (&SystemClock, &OsEntropy, Prefix::default());
    let now = clock.now();
    let step = (count / (WARM_UP + LOOKUPS * ROUNDS)).max(1);
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
        write.commit_unaudited().await?;
    }
    Ok(sample)
}

fn check(directory: Arc<dyn Directory>) -> Result<Check> {
    let table = RuleTable::builder()
        .add("GET", "/v1/things", Dialect::Bearer, Rule::signed_in())?
        .build();
    let origin = OwnOrigin::new("http://127.0.0.1");
    Ok(Check::new(CheckParts::new(table, directory, origin)))
}

/// Processor and elapsed microseconds for each first sight.
async fn cost(check: &Check, keys: &[PlainSecret]) -> Result<(f64, f64)> {
    let before = cpu::run_time(std::process::id())?;
    let start = Instant::now();
    for key in keys {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {}", key.expose());
        headers.insert("authorization", HeaderValue::from_str(&value)?);
        let head = RequestHead {
            method: &Method::GET,
            path: "/v1/things",
            headers: &headers,
            has_body: false,
            address: None,
            request_id: None,
        };
        let verdict = check.check(&head).await;
        anyhow::ensure!(verdict.is_ok(), "{verdict:?}");
    }
    let count = f64::from(u32::try_from(keys.len())?);
    let spent = cpu::run_time(std::process::id())?.saturating_sub(before);
    let micros = |duration: std::time::Duration| duration.as_secs_f64() * 1e6 / count;
    Ok((micros(spent), micros(start.elapsed())))
}

pub(crate) fn measure() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!(
        "first sight of a key, SQLite (goal 30 µs, first bar 60 µs; growth to 1e6 keys at most 1.3)"
    );
    let mut first = None;
    for count in [LOOKUPS, 1_000_000] {
        let folder = tempfile::tempdir()?;
        let (processor, elapsed) = runtime.block_on(async {
            let store = Store::connect(StoreUrl::sqlite(folder.path().join("bench.db"))).await?;
            store.migrate().await?;
            let sample = fill(&store, count).await?;
            let directory: Arc<dyn Directory> = Arc::new(StoreDirectory::new(
                store.clone(),
                Arc::new(SystemClock),
                Arc::new(Plans::default()),
                Lifetimes::default(),
            ));
            // The sample is walked in steps, so that neighbours are not looked up together.
            let mut keys: Vec<_> = sample.into_iter().enumerate().collect();
            keys.sort_by_key(|(index, _)| index * 7_919 % 100_003);
            let keys: Vec<_> = keys.into_iter().map(|(_, key)| key).collect();
            let (warm_up, measured) = keys.split_at(WARM_UP.min(keys.len() - LOOKUPS));
            cost(&check(Arc::clone(&directory))?, warm_up).await?;
            let (mut processor, mut elapsed) = (Vec::new(), Vec::new());
            for round in measured.chunks_exact(LOOKUPS).cycle().take(ROUNDS) {
                // A check that remembers nobody.
                let (cpu, wall) = cost(&check(Arc::clone(&directory))?, round).await?;
                processor.push(cpu);
                elapsed.push(wall);
            }
            store.close().await;
            anyhow::Ok((cpu::median(processor), cpu::median(elapsed)))
        })?;
        let base = *first.get_or_insert(processor);
        println!(
            "  {count:>9} keys: {processor:.1} µs of processor time, {elapsed:.1} µs elapsed, growth {:.2}",
            processor / base
        );
    }
    first.context("nothing was measured").map(|_| ())
}
