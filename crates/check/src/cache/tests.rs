use std::sync::atomic::AtomicBool;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;
use vestibule_model::{
    ApiKeyId, CredentialRef, Digest, OrganizationId, PlanName, Plans, Principal, ResourcePath,
    Role, SessionId, SystemClock, UserId,
};

use super::index::REMEMBERED_CHANGES;
use super::*;
use crate::denials::Denials;
use crate::limits::Limits;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

/// The time since boot, which passes in no test that does not say so.
const BOOT: BootTime = BootTime::from_micros(1_000_000);

const LEASE: Duration = Duration::from_secs(2);

fn at(now: Timestamp) -> Moment {
    Moment { now, boot: BOOT }
}

/// The moment after the process was stopped for this long.
fn stopped_for(seconds: u64) -> Moment {
    let time = Duration::from_secs(seconds);
    Moment {
        now: now().after(time),
        boot: BOOT.after(time),
    }
}

fn principal(number: u128) -> Principal {
    let uuid = Uuid::from_u128(number);
    Principal {
        user_id: UserId::from_uuid(uuid),
        organization_id: OrganizationId::from_uuid(Uuid::from_u128(number % 3)),
        role: Role::User,
        home: ResourcePath::home_of(UserId::from_uuid(uuid)),
        grants: [].into(),
        narrowed_to: None,
        plan: Plans::default().get_or_bare(&PlanName::default()),
        credential: CredentialRef::ApiKey(ApiKeyId::from_uuid(Uuid::from_u128(number + 1_000_000))),
        expires_at: None,
    }
}

fn key(number: u128) -> CacheKey {
    CacheKey(Digest::of(&number.to_ne_bytes()))
}

fn caller(principal: Principal) -> Caller {
    let limits = Limits::new(&Plans::default());
    Caller {
        allowances: limits.allowances(&principal),
        principal,
        rest: None,
        denials: Arc::new(Denials::new(Arc::new(SystemClock))),
    }
}

fn cache(entries: usize) -> Cache {
    Cache::new(CacheBounds {
        entries,
        max_age: Duration::from_mins(1),
        ..CacheBounds::default()
    })
}

#[test]
fn an_entry_is_believed_for_a_fixed_time_however_often_it_is_used() {
    let cache = cache(10);
    cache.insert(
        cache.begin_reading(),
        key(1),
        caller(principal(1)),
        at(now()),
    );
    let later = now().after(Duration::from_secs(59));
    assert!(cache.get(&key(1), None, at(later)).is_some());
    assert!(cache.get(&key(1), None, at(later)).is_some());
    assert!(
        cache
            .get(&key(1), None, at(now().after(Duration::from_mins(1))))
            .is_none()
    );
}

#[test]
fn nothing_of_a_token_is_printed() {
    let with_token = Caller {
        rest: Some(Box::from(*b"eyJhbGciOi")),
        ..caller(principal(1))
    };
    let entry = cache(10).insert(cache(10).begin_reading(), key(1), with_token, at(now()));
    let printed = format!("{entry:?}");
    assert!(printed.contains("principal"), "{printed}");
    assert!(
        !printed.contains("rest") && !printed.contains("101, 121"),
        "{printed}"
    );
}

#[test]
fn an_entry_never_outlives_its_credential() {
    let cache = cache(10);
    let end = now().after(Duration::from_secs(5));
    let mortal = Principal {
        expires_at: Some(end),
        ..principal(1)
    };
    cache.insert(cache.begin_reading(), key(1), caller(mortal), at(now()));
    assert!(
        cache
            .get(&key(1), None, at(now().after(Duration::from_secs(4))))
            .is_some()
    );
    assert!(cache.get(&key(1), None, at(end)).is_none());
}

#[test]
fn a_clock_that_is_set_back_makes_entries_worthless() {
    let cache = cache(10);
    cache.insert(
        cache.begin_reading(),
        key(1),
        caller(principal(1)),
        at(now()),
    );
    assert!(
        cache
            .get(&key(1), None, at(now().before(Duration::from_secs(1))))
            .is_none()
    );
}

#[test]
fn a_change_removes_what_it_touches_and_nothing_else() {
    let uuid = Uuid::from_u128(1);
    let session = Principal {
        credential: CredentialRef::SessionCookie(SessionId::from_uuid(Uuid::from_u128(77))),
        ..principal(1)
    };
    for (change, gone) in [
        (Change::User(UserId::from_uuid(uuid)), vec![1, 10]),
        (
            Change::ApiKey(ApiKeyId::from_uuid(Uuid::from_u128(1_000_001))),
            vec![1],
        ),
        (
            Change::Session(SessionId::from_uuid(Uuid::from_u128(77))),
            vec![10],
        ),
        (
            Change::Organization(OrganizationId::from_uuid(uuid)),
            vec![1, 4, 10],
        ),
        (Change::Keyring, vec![]),
        (Change::Everything, vec![1, 2, 3, 4, 10]),
    ] {
        let cache = cache(100);
        for number in 1..=4 {
            cache.insert(
                cache.begin_reading(),
                key(number),
                caller(principal(number)),
                at(now()),
            );
        }
        cache.insert(
            cache.begin_reading(),
            key(10),
            caller(session.clone()),
            at(now()),
        );
        cache.apply(change);
        for number in [1, 2, 3, 4, 10] {
            assert_eq!(
                cache.get(&key(number), None, at(now())).is_none(),
                gone.contains(&number),
                "{change} and {number}"
            );
        }
    }
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    let cache = cache(10);
    let reading = cache.begin_reading();
    cache.apply(Change::User(UserId::from_uuid(Uuid::from_u128(1))));
    cache.insert(reading, key(1), caller(principal(1)), at(now()));
    assert!(
        cache.get(&key(1), None, at(now())).is_none(),
        "the stale one is kept"
    );
    cache.insert(reading, key(2), caller(principal(2)), at(now()));
    assert!(
        cache.get(&key(2), None, at(now())).is_some(),
        "another user's is not"
    );
}

#[test]
fn a_reading_that_missed_more_changes_than_are_remembered_is_not_kept() {
    let cache = cache(10);
    let reading = cache.begin_reading();
    for number in 0..=REMEMBERED_CHANGES as u128 {
        cache.apply(Change::User(UserId::from_uuid(Uuid::from_u128(
            number + 50,
        ))));
    }
    cache.insert(reading, key(1), caller(principal(1)), at(now()));
    assert!(cache.get(&key(1), None, at(now())).is_none());
}

#[test]
fn nothing_is_kept_while_other_servers_cannot_be_heard() {
    let cache = cache(10);
    cache.insert(
        cache.begin_reading(),
        key(1),
        caller(principal(1)),
        at(now()),
    );
    cache.suspend();
    assert!(cache.get(&key(1), None, at(now())).is_none());
    let during = cache.begin_reading();
    cache.insert(during, key(1), caller(principal(1)), at(now()));
    assert!(cache.get(&key(1), None, at(now())).is_none());
    cache.resume(BOOT.after(LEASE));
    cache.insert(during, key(1), caller(principal(1)), at(now()));
    assert!(
        cache.get(&key(1), None, at(now())).is_none(),
        "it was read while deaf"
    );
    cache.insert(
        cache.begin_reading(),
        key(1),
        caller(principal(1)),
        at(now()),
    );
    assert!(cache.get(&key(1), None, at(now())).is_some());
}

#[test]
fn past_the_lease_nothing_is_used_and_nothing_is_kept_though_nobody_could_say_so() {
    let cache = cache(10);
    cache.resume(BOOT.after(LEASE));
    cache.insert(
        cache.begin_reading(),
        key(1),
        caller(principal(1)),
        at(now()),
    );
    let reading = cache.begin_reading();
    assert!(cache.get(&key(1), None, stopped_for(1)).is_some());
    assert!(cache.hears(stopped_for(1).boot));
    for seconds in [2, 3, 10] {
        let late = stopped_for(seconds);
        assert!(cache.get(&key(1), None, late).is_none(), "{seconds}");
        assert!(!cache.hears(late.boot));
        // A reading that was begun before the process was stopped.
        cache.insert(reading, key(2), caller(principal(2)), late);
        assert_eq!(cache.len(), 1, "{seconds}");
    }
    cache.renew(BOOT.after(Duration::from_secs(12)));
    assert!(cache.get(&key(1), None, stopped_for(10)).is_some());
    cache.suspend();
    assert!(cache.get(&key(1), None, stopped_for(1)).is_none());
}

#[test]
fn a_clock_that_is_set_has_no_part_in_the_lease() {
    let cache = cache(10);
    cache.resume(BOOT.after(LEASE));
    cache.insert(
        cache.begin_reading(),
        key(1),
        caller(principal(1)),
        at(now()),
    );
    let set_back = Moment {
        now: now(),
        ..stopped_for(3)
    };
    assert!(cache.get(&key(1), None, set_back).is_none());
    let set_forward = at(now().after(Duration::from_secs(30)));
    assert!(cache.get(&key(1), None, set_forward).is_some());
}

#[test]
fn memory_stays_bounded_and_the_index_forgets_what_was_evicted() {
    let cache = cache(100);
    for number in 0..10_000 {
        cache.insert(
            cache.begin_reading(),
            key(number),
            caller(principal(number)),
            at(now()),
        );
    }
    assert!(cache.len() <= 100, "{}", cache.len());
    assert!(cache.index().subjects() <= 2 * cache.len());
}

proptest! {
    /// Whatever the order of insertions and changes, the index finds exactly what the map holds.
    #[test]
    fn the_index_and_the_map_agree(steps in prop::collection::vec((0_u8..4, 0_u128..12), 1..200)) {
        let cache = cache(8);
        for (step, number) in steps {
            let uuid = Uuid::from_u128(number);
            match step {
                0 | 1 => {
                    cache.insert(cache.begin_reading(), key(number), caller(principal(number)), at(now()));
                }
                2 => {
                    cache.apply(Change::User(UserId::from_uuid(uuid)));
                }
                _ => {
                    cache.apply(Change::Organization(OrganizationId::from_uuid(uuid)));
                }
            }
            prop_assert_eq!(cache.index().found(), [cache.map.len(); 3]);
        }
    }
}

/// The race that decides whether a revoked credential can come back: readers ask a "store" and
/// insert, while a writer changes the store and then applies the change. After the apply no get may
/// find the old answer.
#[test]
fn no_reader_brings_a_revoked_principal_back() {
    use std::sync::atomic::AtomicU64;

    let cache = cache(10);
    let store = AtomicU64::new(0);
    let applied = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let stale = AtomicU64::new(0);
    // The version of the store rides in the principal's expiry.
    let version_of = |principal: &Principal| {
        let end = principal.expires_at.map_or(0, Timestamp::as_seconds);
        u64::try_from(end - NOW - 1_000_000).unwrap_or(0)
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let at_least = applied.load(Ordering::SeqCst);
                    if let Some(entry) = cache.get(&key(1), None, at(now())) {
                        if version_of(entry.principal()) < at_least {
                            stale.fetch_add(1, Ordering::SeqCst);
                        }
                        continue;
                    }
                    let reading = cache.begin_reading();
                    let version = store.load(Ordering::SeqCst);
                    std::thread::yield_now();
                    let expires = i64::try_from(version).unwrap_or(0) + NOW + 1_000_000;
                    let read = Principal {
                        expires_at: Some(Timestamp::from_seconds(expires)),
                        ..principal(1)
                    };
                    cache.insert(reading, key(1), caller(read), at(now()));
                }
            });
        }
        for version in 1..=20_000 {
            store.store(version, Ordering::SeqCst);
            cache.apply(Change::User(UserId::from_uuid(Uuid::from_u128(1))));
            applied.store(version, Ordering::SeqCst);
            if version % 64 == 0 {
                std::thread::yield_now();
            }
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(stale.load(Ordering::SeqCst), 0);
}

mod weights;
