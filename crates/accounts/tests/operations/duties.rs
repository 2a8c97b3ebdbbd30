//! What is done in the background.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use rstest::rstest;
use tokio::sync::oneshot;
use vestibule_accounts::{AuditFilter, Caller, ClockTrust, Duties, Intervals, NewGrant, OldKeys};
use vestibule_check::RequestHead;
use vestibule_model::{Capability, OsEntropy, Role};
use vestibule_store::Page;

use crate::support::{Backend, Fixture, OPERATOR, bearer_at, details, new_key};

fn duties(fixture: &Fixture) -> Duties {
    let often = Duration::from_millis(20);
    let intervals = Intervals {
        flush: often,
        prune: often,
        forget: often,
        retry: often,
        steer: often,
        settle: Duration::from_millis(20),
    };
    Duties::new(
        fixture.accounts.clone(),
        fixture.check.core(),
        intervals,
        ClockTrust::confirmed(),
    )
}

/// Runs a duty until the work that it is given is done at the latest, and once more at the end.
async fn flush_once(fixture: &Fixture) {
    duties(fixture).flush(std::future::ready(())).await;
}

#[rstest]
#[tokio::test]
async fn what_was_used_and_denied_is_written_down_when_the_server_stops(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let key = fixture.key(grace, new_key("k")).await;
    let entry = fixture.enter(grace, fixture.organization.id).await;
    fixture.clock.advance(Duration::from_secs(90));
    let used = fixture.now();
    fixture.by_cookie(&entry.cookie).await.unwrap();
    for _ in 0..7 {
        bearer_at(&fixture.check, "/v1/admin", key.secret.expose())
            .await
            .unwrap_err();
        fixture.clock.advance(Duration::from_secs(1));
    }
    flush_once(&fixture).await;

    let permit = fixture.by_bearer(key.secret.expose()).await.unwrap();
    let caller = Caller::from(&permit);
    let (stored, _) = fixture
        .accounts
        .api_key(caller.permit().unwrap(), key.key.id)
        .await
        .unwrap();
    assert_eq!(stored.last_used_at, Some(used));
    let session = fixture.store().session(entry.session.id).await.unwrap();
    assert_eq!(session.unwrap().last_seen_at, used);

    let denied = fixture.records("access.denied").await;
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].user_id, Some(grace));
    assert_eq!(denied[0].address.as_deref(), Some("192.0.2.1"));
    let details = details(&denied[0]);
    assert_eq!(details["count"], 7);
    assert_eq!(details["route"], "/v1/admin");
    assert_eq!(details["reason"], "role_required");
    assert_eq!(details["first"], used.to_string());
    assert_eq!(
        details["last"],
        used.after(Duration::from_secs(6)).to_string()
    );
}

/// Every call that a key is refused for, as different as the table allows.
async fn refuse_all(fixture: &Fixture, key: &str) {
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {key}");
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
    for path in ["/v1/any", "/v1/admin", "/v1/nowhere"] {
        for method in ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"] {
            let head = RequestHead {
                method: &method.parse().unwrap(),
                path,
                headers: &headers,
                has_body: false,
                address: None,
                request_id: None,
            };
            let _ = fixture.check.check(&head).await;
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_flood_in_one_organization_suppresses_no_denial_in_another(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let zoe = fixture.user("zoe@example.com").await;
    let elsewhere = fixture.organization_of("Elsewhere", zoe.id).await;
    let narrowed = new_key("narrowed").narrowed_to(Some(vec![NewGrant {
        path: "/shared".parse().unwrap(),
        capability: Capability::ReadOnly,
        can_approve: false,
    }]));
    let operator = Caller::operator(&OPERATOR, elsewhere.id);
    let made = fixture
        .accounts
        .create_api_key_for(&OPERATOR, operator.organization_id(), zoe.id, narrowed)
        .await
        .unwrap();
    // One member with many keys, and another: more than there is room for, before and after.
    for number in 0..7 {
        let email = format!("member-{number}@example.com");
        let member = fixture.member(&email, Role::User).await.id;
        let times = if number < 2 { 28 } else { 0 };
        for _ in 0..45 {
            let key = fixture.key(member, new_key("k")).await;
            refuse_all(&fixture, key.secret.expose()).await;
        }
        for _ in 0..times / 2 {
            let answer = bearer_at(&fixture.check, "/v1/nowhere", made.secret.expose());
            answer.await.unwrap_err();
        }
    }
    flush_once(&fixture).await;

    let filter = AuditFilter {
        kind: Some("access.denied".to_owned()),
        ..AuditFilter::default()
    };
    let page = Page::first(5_000);
    let (told, _) = fixture
        .accounts
        .audit(&operator, &filter, page)
        .await
        .unwrap()
        .into_counted();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(details(&told[0])["count"], 28);
    let operator = fixture.operator();
    let (here, total) = fixture
        .accounts
        .audit(&operator, &filter, page)
        .await
        .unwrap()
        .into_counted();
    let overflow: Vec<_> = here
        .iter()
        .map(details)
        .filter(|details| details["reason"] == "overflow")
        .collect();
    assert_eq!(overflow.len(), 1, "what has no room is counted: {total}");
    let counted = overflow[0]["count"].as_u64().unwrap();
    assert!(counted > 200, "{counted}");
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_written_is_written_later(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let key = fixture.key(grace, new_key("k")).await;
    bearer_at(&fixture.check, "/v1/admin", key.secret.expose())
        .await
        .unwrap_err();
    fixture.raw("ALTER TABLE audit_record RENAME TO away").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let duties = duties(&fixture);
    let running = tokio::spawn(async move {
        duties
            .flush(async {
                let _ = stopped.await;
            })
            .await;
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    fixture.raw("ALTER TABLE away RENAME TO audit_record").await;
    stop.send(()).unwrap();
    running.await.unwrap();
    assert_eq!(fixture.records("access.denied").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_nobody_asks_for_again_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    rotate(&fixture).await;
    assert_eq!(fixture.store().signing_keys().await.unwrap().len(), 2);
    fixture.clock.advance(Duration::from_secs(2 * 3_600));
    let duties = duties(&fixture);
    let wait = tokio::time::sleep(Duration::from_millis(500));
    duties.prune(wait).await;
    assert_eq!(fixture.store().signing_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_lives_briefly_tidies_up_once() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    rotate(&fixture).await;
    fixture.clock.advance(Duration::from_secs(2 * 3_600));
    let duties = once_an_hour(&fixture);
    let tidied = async {
        while fixture.store().signing_keys().await.unwrap().len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let tidied = tokio::time::timeout(Duration::from_secs(10), tidied);
    let tidied = Box::pin(async { tidied.await.unwrap() });
    duties.prune(tidied).await;
}

async fn rotate(fixture: &Fixture) {
    let rotated = fixture.accounts.rotate_keyring(&OPERATOR, OldKeys::LiveOut);
    rotated.await.unwrap();
}

/// A fixture with 50,000 rows and a signing key that nobody needs any more.
async fn with_backlog() -> Fixture {
    let fixture = Fixture::new(Backend::Sqlite).await;
    rotate(&fixture).await;
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        INSERT INTO token_refresh SELECT i, id, i, 0, 0 FROM n, (SELECT id FROM organization LIMIT 1)";
    fixture.raw(rows).await;
    fixture.clock.advance(Duration::from_secs(2 * 3_600));
    fixture
}

/// How many rows one more transaction would delete.
async fn left(fixture: &Fixture) -> u64 {
    let mut write = fixture.store().begin_unaudited().await.unwrap();
    write.prune(fixture.now()).await.unwrap().refreshes
}

fn once_an_hour(fixture: &Fixture) -> Duties {
    let intervals = Intervals {
        settle: Duration::from_millis(1),
        ..Intervals::default()
    };
    Duties::new(
        fixture.accounts.clone(),
        fixture.check.core(),
        intervals,
        ClockTrust::confirmed(),
    )
}

#[tokio::test]
async fn a_backlog_is_tidied_up_at_once() {
    let fixture = with_backlog().await;
    let (end, ended) = oneshot::channel::<()>();
    let tidied = async {
        while left(&fixture).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        end.send(()).unwrap();
    };
    let duties = once_an_hour(&fixture);
    let both = async { tokio::join!(duties.prune(async { ended.await.unwrap() }), tidied) };
    let both = Box::pin(both);
    tokio::time::timeout(Duration::from_secs(60), both)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_that_ends_leaves_the_rest_of_a_backlog_to_the_next() {
    let fixture = with_backlog().await;
    let begun = Box::pin(async {
        while fixture.store().signing_keys().await.unwrap().len() > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    once_an_hour(&fixture).prune(begun).await;
    assert!(left(&fixture).await > 0);
}

#[tokio::test]
async fn every_duty_ends_when_it_is_told_to() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let duties = duties(&fixture);
    let soon = || tokio::time::sleep(Duration::from_millis(60));
    let all = async {
        duties.flush(soon()).await;
        duties.prune(soon()).await;
        duties.forget_idle_limits(soon()).await;
        duties.follow_keyring(soon()).await;
    };
    tokio::time::timeout(Duration::from_secs(10), all)
        .await
        .unwrap();
}

/// The `Duties` of a server that starts now, at work long enough for several rounds.
async fn tidy_up_after_start(fixture: &Fixture) {
    let trust = ClockTrust::at_start(fixture.store(), fixture.clock.as_ref());
    tidy_up(fixture, trust.await.unwrap()).await;
}

async fn tidy_up(fixture: &Fixture, trust: ClockTrust) {
    let often = Duration::from_millis(20);
    let intervals = Intervals {
        prune: often,
        settle: often,
        ..Intervals::default()
    };
    let duties = Duties::new(
        fixture.accounts.clone(),
        fixture.check.core(),
        intervals,
        trust,
    );
    duties
        .prune(tokio::time::sleep(Duration::from_millis(300)))
        .await;
}

#[rstest]
#[tokio::test]
async fn a_clock_that_is_ahead_when_a_server_starts_deletes_no_live_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let fixture = Fixture::new(backend).await;
    let owner = fixture.owner.id;
    let (caller, right) = (fixture.caller(owner).await, fixture.now());
    let new = new_key("mortal").expiring(Some(right.after(180 * DAY)));
    let key = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), new)
        .await
        .unwrap();
    let is_there = async || {
        let scope = caller.scope();
        let found = fixture.store().api_key_or_revoked(scope, owner, key.key.id);
        found.await.unwrap().is_some()
    };
    fixture.clock.set(right.after(400 * DAY));
    tidy_up_after_start(&fixture).await;
    assert!(is_there().await);
    // Records by that clock do not make it right, also where the server starts again.
    fixture.member("grace@example.com", Role::User).await;
    fixture.clock.advance(DAY / 2);
    tidy_up_after_start(&fixture).await;
    assert!(is_there().await);
    fixture.clock.set(right);
    tidy_up_after_start(&fixture).await;
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    assert_eq!(fixture.store().clock_doubt().await.unwrap(), None);

    // The operator may say that it is right.
    fixture.clock.set(right.after(400 * DAY));
    let (store, clock) = (fixture.store(), fixture.clock.as_ref());
    let trust = ClockTrust::at_start(store, clock).await.unwrap();
    // The record of Grace is the last, from a clock that was ahead.
    assert_eq!(trust.doubted_since(), None);
    fixture
        .raw("UPDATE audit_record SET at = 1800000000000000")
        .await;
    let trust = ClockTrust::at_start(store, clock).await.unwrap();
    assert!(trust.doubted_since().is_some());
    let trust = trust.confirm(&OPERATOR, store, clock, &OsEntropy);
    tidy_up(&fixture, trust.await.unwrap()).await;
    assert!(!is_there().await);
}

#[rstest]
#[tokio::test]
async fn a_clock_that_was_far_ahead_is_gone_by_after_a_day_unless_the_database_has_another(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    rotate(&fixture).await;
    let day = Duration::from_secs(24 * 60 * 60);
    fixture.clock.set(fixture.now().after(400 * day));
    let trust = ClockTrust::at_start(fixture.store(), fixture.clock.as_ref());
    let trust = trust.await.unwrap();
    let second = Duration::from_secs(1);
    fixture.clock.advance(day.saturating_sub(second));
    tidy_up(&fixture, trust).await;
    assert_eq!(fixture.store().signing_keys().await.unwrap().len(), 2);
    fixture.clock.advance(second);
    tidy_up(&fixture, trust).await;
    // PostgreSQL's clock is the machine's, and not the one of this test.
    let left = match backend {
        Backend::Sqlite => 1,
        Backend::Postgres => 2,
    };
    assert_eq!(fixture.store().signing_keys().await.unwrap().len(), left);
    assert_eq!(fixture.store().clock_doubt().await.unwrap(), None);
}
