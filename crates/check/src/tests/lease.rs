//! A process that was stopped does not use what it remembers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use vestibule_credential::token::Verified;
use vestibule_model::{BootTime, Digest};

use super::*;
use crate::directory::Unresolved;

const LEASE: Duration = Duration::from_secs(2);

/// A directory in which the one key can be revoked, and which can take long.
struct Slow {
    clock: Arc<ManualClock>,
    key: MemoryDirectory,
    revoked: AtomicBool,
    /// Seconds that pass between its reading and its answer.
    stops_for: AtomicU64,
    asked: AtomicU64,
}

impl Directory for Slow {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let found = if self.revoked.load(Ordering::SeqCst) {
                Err(Unresolved::Revoked)
            } else {
                self.key.api_key(key).await
            };
            let seconds = self.stops_for.swap(0, Ordering::SeqCst);
            self.clock.advance(Duration::from_secs(seconds));
            found
        })
    }

    fn session_cookie<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }

    fn access_token<'a>(&'a self, _: &'a Verified) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }
}

struct Node {
    core: Core,
    check: EntryPoint,
    clock: Arc<ManualClock>,
    directory: Arc<Slow>,
    headers: HeaderMap,
}

impl Node {
    /// A node that has heard of all changes until now.
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
        let directory = Arc::new(Slow {
            clock: Arc::clone(&clock),
            key: MemoryDirectory::with_owner_key(&key.digest()),
            revoked: AtomicBool::new(false),
            stops_for: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        });
        let core = Core::new(CoreParts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..CoreParts::new(Arc::clone(&directory) as Arc<dyn Directory>)
        });
        core.suspend();
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {}", key.expose());
        headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
        let node = Self {
            check: core.entry_point(table(), ORIGIN.parse::<OwnOrigin>().unwrap()),
            core,
            clock,
            directory,
            headers,
        };
        node.core.resume(node.lease());
        node
    }

    fn lease(&self) -> BootTime {
        self.clock.boot().after(LEASE)
    }

    fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &Method::GET,
            path: "/v1/things",
            headers: &self.headers,
            has_body: false,
            address: None,
            request_id: None,
        }
    }

    async fn outcome(&self) -> &'static str {
        match self.check.check(&self.head()).await {
            Ok(_) => "passed",
            Err(denial) => denial.cause.reason(),
        }
    }

    fn asked(&self) -> u64 {
        self.directory.asked.load(Ordering::SeqCst)
    }

    fn revoke_elsewhere(&self) {
        self.directory.revoked.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_key_that_was_revoked_elsewhere_opens_nothing_on_a_node_that_was_stopped() {
    let node = Node::new();
    assert_eq!(node.outcome().await, "passed");
    assert!(node.check.check_known(&node.head()).is_some(), "remembered");
    node.revoke_elsewhere();
    node.clock.advance(Duration::from_secs(3));
    assert!(node.check.check_known(&node.head()).is_none());
    assert_eq!(node.outcome().await, "credential_revoked");
}

#[tokio::test]
async fn a_request_whose_body_was_on_its_way_while_the_node_was_stopped_is_judged_again() {
    let node = Node::new();
    let passed = node.check.check(&node.head()).await.unwrap();
    node.revoke_elsewhere();
    node.clock.advance(Duration::from_secs(3));
    let denial = node.check.confirm(&node.head(), passed).await.unwrap_err();
    assert_eq!(denial.cause.reason(), "credential_revoked");
}

#[tokio::test]
async fn what_was_read_before_the_node_was_stopped_is_not_kept() {
    let node = Node::new();
    node.directory.stops_for.store(3, Ordering::SeqCst);
    // This request was there before the revocation.
    assert_eq!(node.outcome().await, "passed");
    node.revoke_elsewhere();
    assert_eq!(node.core.totals().remembered, 0);
    assert_eq!(node.outcome().await, "credential_revoked");
}

#[tokio::test]
async fn past_the_lease_the_directory_is_asked_every_time_and_again_until_it_is_renewed() {
    let node = Node::new();
    node.clock.advance(Duration::from_secs(3));
    for times in 1..=3 {
        assert_eq!(node.outcome().await, "passed");
        assert_eq!(node.asked(), times);
    }
    node.core.resume(node.lease());
    for _ in 0..3 {
        assert_eq!(node.outcome().await, "passed");
        assert_eq!(node.asked(), 4, "remembered again");
    }
    node.clock.advance(Duration::from_secs(1));
    node.core.renew(node.lease());
    node.clock.advance(Duration::from_secs(1));
    assert_eq!(node.outcome().await, "passed");
    assert_eq!(node.asked(), 4, "renewed in time");
}

#[tokio::test]
async fn a_check_that_nobody_tells_of_changes_remembers_without_a_lease() {
    let fixture = fixture();
    assert_eq!(fixture.reason("GET /v1/things", &[KEY]).await, "passed");
    fixture.clock.advance(Duration::from_mins(1));
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", fixture.key.expose());
    headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    let head = RequestHead {
        method: &Method::GET,
        path: "/v1/things",
        headers: &headers,
        has_body: false,
        address: None,
        request_id: None,
    };
    assert!(fixture.check.check_known(&head).is_some());
}
