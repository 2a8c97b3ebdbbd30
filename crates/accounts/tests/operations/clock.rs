//! The effects of setting the clock, and their bounds.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::{
    Accounts, AuditFilter, CLOCK_TOLERANCE, ClockTrust, Duties, Intervals, Page, clock_behind,
};
use vestibule_check::{Cause, EntryPoint, Rejected};
use vestibule_model::{Clock, OsEntropy, ProcessClock, Role, Timestamp};

use crate::support::{Backend, Fixture, OPERATOR, by_bearer, by_cookie, new_key};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: i64 = 3_600;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// Sets the wall clock to this many seconds after, or before, what it shows.
fn jump(fixture: &Fixture, seconds: i64) {
    let micros = fixture.now().as_micros() + seconds * 1_000_000;
    fixture.clock.set(Timestamp::from_micros(micros));
}

/// Does a second's duties, and gives those of tidying up time to delete what they take for dead.
async fn pass(fixture: &Fixture, accounts: &Accounts, check: &EntryPoint, clock: &dyn Clock) {
    fixture.clock.advance(SECOND);
    clock.steer();
    let often = Duration::from_millis(5);
    let intervals = Intervals {
        prune: often,
        settle: often,
        ..Intervals::default()
    };
    let duties = Duties::new(
        accounts.clone(),
        check.core(),
        intervals,
        ClockTrust::confirmed(),
    );
    duties.prune(tokio::time::sleep(8 * often)).await;
}

#[rstest]
#[tokio::test]
async fn a_wall_clock_set_back_revives_nothing_and_set_forward_ends_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(-HOUR, HOUR, -TEN_YEARS, TEN_YEARS)] seconds: i64,
) {
    let fixture = Fixture::new(backend).await;
    let clock = Arc::new(ProcessClock::on(Arc::clone(&fixture.clock)));
    let (accounts, check) = fixture.second_by(clock.clone()).await;
    let brief = |seconds: u64| {
        let mut key = new_key("brief");
        key.expires_at = Some(fixture.now().after(Duration::from_secs(seconds)));
        key
    };
    let dead = fixture.key(fixture.owner.id, brief(10)).await;
    let live = fixture.key(fixture.owner.id, brief(600)).await;
    let endless = fixture.key(fixture.owner.id, new_key("endless")).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let credentials = [live.secret.expose(), endless.secret.expose(), &entry.token];
    fixture.clock.advance(11 * SECOND);

    let check_all = async |when: &str| {
        let answer = by_bearer(&check, dead.secret.expose()).await;
        let expired = matches!(answer, Err(Cause::Rejected(Rejected::Expired)));
        assert!(expired, "{when}: {answer:?}");
        for credential in credentials {
            let answer = by_bearer(&check, credential).await;
            assert!(answer.is_ok(), "{when}: {answer:?}");
        }
        by_cookie(&check, &entry.cookie).await.unwrap();
    };
    check_all("before").await;
    jump(&fixture, seconds);
    check_all("at once").await;
    for _ in 0..3 {
        pass(&fixture, &accounts, &check, &*clock).await;
    }
    check_all("while it is wrong").await;
    jump(&fixture, -seconds);
    pass(&fixture, &accounts, &check, &*clock).await;
    check_all("when it is right again").await;
    fixture.clock.advance(600 * SECOND);
    let answer = by_bearer(&check, live.secret.expose()).await;
    let expired = matches!(answer, Err(Cause::Rejected(Rejected::Expired)));
    assert!(expired, "time goes on: {answer:?}");
}

#[rstest]
#[tokio::test]
async fn a_clock_behind_what_was_done_last_is_told_until_it_is_accepted_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let behind = async || {
        clock_behind(fixture.store(), &*fixture.clock)
            .await
            .unwrap()
    };
    let last = fixture.now();
    assert_eq!(behind().await, None);
    fixture.clock.set(last.before(CLOCK_TOLERANCE));
    assert_eq!(behind().await, None, "as clocks of several machines may be");
    fixture.clock.set(last.before(CLOCK_TOLERANCE + SECOND));
    let told = behind().await.unwrap();
    assert_eq!((told.now, told.last), (fixture.now(), last));

    let accepted = told.accept(&OPERATOR, fixture.store(), &*fixture.clock, &OsEntropy);
    accepted.await.unwrap();
    assert_eq!(behind().await, None);
    let filter = AuditFilter {
        kind: Some("clock.accepted".to_owned()),
        ..AuditFilter::default()
    };
    let store = fixture.store();
    let found = store.audit_of_the_installation(&filter, Page::first(2));
    let (records, _) = found.await.unwrap().into_counted();
    let [record] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!(record.at, fixture.now());
    let details: serde_json::Value = serde_json::from_str(&record.details).unwrap();
    assert_eq!(details["last_record_at"], last.to_string());
    assert_eq!(details["behind_seconds"], 601);
    // It is no licence for the next time.
    jump(&fixture, -HOUR);
    assert!(behind().await.is_some());
}

#[rstest]
#[tokio::test]
async fn records_of_a_clock_that_was_years_ahead_count_until_the_next_commit(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let behind = async || {
        clock_behind(fixture.store(), &*fixture.clock)
            .await
            .unwrap()
    };
    jump(&fixture, TEN_YEARS);
    fixture.member("grace@example.com", Role::User).await;
    assert_eq!(behind().await, None, "ahead is not behind");
    jump(&fixture, -TEN_YEARS);
    assert!(behind().await.is_some());
    // A server that had never followed the clock goes on writing.
    fixture.member("alan@example.com", Role::User).await;
    assert_eq!(behind().await, None);
}
