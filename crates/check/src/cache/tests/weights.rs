//! What bounds the cache is what its entries take of memory.

use std::collections::HashSet;

use vestibule_model::{Capability, GrantId, HeldGrant};

use super::*;

const MIB: usize = 1_024 * 1_024;

fn bounded(bytes: usize) -> Cache {
    Cache::new(CacheBounds {
        bytes,
        entries: 1_000_000,
        max_age: Duration::from_mins(1),
    })
}

fn grants(count: u128, path: &str) -> Arc<[HeldGrant]> {
    let grant = |number| HeldGrant {
        id: GrantId::from_uuid(Uuid::from_u128(number)),
        through: None,
        path: format!("{path}{number}").parse().unwrap(),
        capability: Capability::ReadWrite,
        can_approve: false,
    };
    (0..count).map(grant).collect()
}

/// A key of a user of its own.
fn with_grants(number: u128, grants: Arc<[HeldGrant]>) -> Principal {
    Principal {
        grants,
        ..principal(number)
    }
}

fn insert(cache: &Cache, number: u128, principal: Principal, at: Moment) {
    cache.insert(cache.begin_reading(), key(number), caller(principal), at);
}

/// Returns what the entries weigh, each with what is its own, and each copy of grants once.
fn truth(cache: &Cache) -> u64 {
    let mut copies = HashSet::new();
    let weights = cache.map.iter().map(|(_, cached)| {
        let caller = &cached.entry.caller;
        let own = weight::of_its_own(caller, size_of::<Entry>());
        let shared = weight::of_grants(&caller.principal.grants);
        let first = copies.insert(caller.principal.grants.as_ptr());
        own + if first { shared } else { 0 }
    });
    weights.sum::<usize>() as u64
}

#[test]
fn entries_weigh_what_they_allocate() {
    for (count, rest) in [(0, 0), (3, 0), (3, 400), (50, 0)] {
        let mut weight = 0;
        let allocated = allocation_counter::measure(|| {
            let cache = bounded(64 * MIB);
            for number in 0..1_000 {
                let principal = with_grants(number, grants(count, "/shared/engineering/plans/"));
                let caller = Caller {
                    rest: (rest > 0).then(|| vec![0; rest].into()),
                    ..caller(principal)
                };
                cache.insert(cache.begin_reading(), key(number), caller, at(now()));
            }
            assert_eq!(cache.len(), 1_000);
            weight = cache.bytes();
            // Kept, so that the measure has it as current.
            std::mem::forget(cache);
        });
        // Each test caller has its own record of denials and its own plan, which no server has.
        let rig = allocation_counter::measure(|| {
            for number in 0..1_000 {
                let plan = principal(number).plan;
                let denials = Denials::new(Arc::new(SystemClock));
                std::mem::forget((plan, Arc::new(denials)));
            }
        });
        let allocated = allocated.bytes_current - rig.bytes_current;
        let weight = i64::try_from(weight).unwrap();
        assert!(
            allocated < weight * 11 / 10 && weight < allocated * 2,
            "{count} grants: {allocated} bytes weigh {weight}"
        );
    }
}

#[test]
fn the_heaviest_callers_that_are_legal_are_bounded_too() {
    let cache = bounded(8 * MIB);
    let long = format!("/{}", "x".repeat(1_000));
    // So many, because all of eight fall into one of the two shards once in 128 runs.
    for number in 0..16 {
        let heaviest = with_grants(number, grants(2_550, &long));
        insert(&cache, number, heaviest, at(now()));
        assert!(cache.bytes() <= 8 * MIB as u64, "{}", cache.bytes());
        assert_eq!(truth(&cache), cache.bytes());
    }
    assert!(cache.len() >= 2, "each has a place: {}", cache.len());
    // Keys that are narrowed to many paths share nothing.
    for number in 100..300 {
        let narrowed = Principal {
            narrowed_to: Some(grants(50, &long)),
            ..principal(number)
        };
        insert(&cache, number, narrowed, at(now()));
    }
    assert!(cache.bytes() <= 8 * MIB as u64, "{}", cache.bytes());
    assert!(cache.len() > 20, "{}", cache.len());
    assert_eq!(cache.index().found(), [cache.len(); 3]);
}

#[test]
fn the_credentials_of_a_user_share_one_copy_of_the_grants() {
    let cache = bounded(4 * MIB);
    let long = format!("/{}", "x".repeat(1_000));
    for number in 0..200 {
        let one_more = Principal {
            credential: principal(number).credential,
            grants: grants(50, &long),
            ..principal(0)
        };
        insert(&cache, number, one_more, at(now()));
    }
    assert_eq!(cache.len(), 200);
    assert_eq!(truth(&cache), cache.bytes());
    let changed = Principal {
        grants: grants(51, &long),
        ..principal(0)
    };
    insert(&cache, 0, changed, at(now()));
    let entry = cache.get(&key(0), None, at(now())).unwrap();
    assert_eq!(
        entry.principal().grants.len(),
        51,
        "equal grants alone are shared"
    );
}

#[test]
fn a_change_looks_at_the_entries_that_it_is_about_and_no_others() {
    let cache = bounded(64 * MIB);
    for number in 0..3_000 {
        insert(&cache, number, principal(number), at(now()));
    }
    let organization = OrganizationId::from_uuid(Uuid::from_u128(1));
    assert_eq!(cache.apply(Change::Organization(organization)), 1_000);
    assert_eq!(cache.len(), 2_000);
    assert_eq!(cache.apply(Change::Organization(organization)), 0);
    let user = UserId::from_uuid(Uuid::from_u128(3));
    assert_eq!(cache.apply(Change::User(user)), 1);
    cache.apply(Change::Everything);
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
    assert_eq!(cache.index().found(), [0; 3]);
}

/// The caller of a token that ends five seconds after `at`.
fn token(number: u128, at: Timestamp) -> Principal {
    Principal {
        credential: CredentialRef::AccessToken(SessionId::from_uuid(Uuid::from_u128(7))),
        expires_at: Some(at.after(Duration::from_secs(5))),
        ..principal(number % 3)
    }
}

#[test]
fn tokens_that_have_expired_go_as_others_come() {
    let cache = bounded(64 * MIB);
    for second in 0..1_000 {
        let time = now().after(Duration::from_secs(second));
        insert(&cache, second.into(), token(second.into(), time), at(time));
        assert!(cache.len() <= 20, "{} after {second}s", cache.len());
        assert_eq!(cache.index().found(), [cache.len(); 3]);
    }
}

#[test]
fn a_sweep_removes_all_that_has_expired_and_nothing_else() {
    let cache = bounded(64 * MIB);
    for number in 0..3_000 {
        insert(&cache, number, token(number, now()), at(now()));
    }
    for number in 3_000..3_100 {
        insert(&cache, number, principal(number), at(now()));
    }
    cache.sweep(now().after(Duration::from_secs(4)));
    assert_eq!(cache.len(), 3_100);
    cache.sweep(now().after(Duration::from_secs(5)));
    assert_eq!(cache.len(), 100);
    assert_eq!(truth(&cache), cache.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes and goes, each copy of grants is weighed once, and all that is kept is
    /// within the bound.
    #[test]
    fn the_weight_is_that_of_what_is_kept(
        steps in prop::collection::vec((0_u8..8, 0_u128..40, 0_u128..3), 1..200),
    ) {
        let cache = bounded(100_000);
        for (step, number, of) in steps {
            let user = principal(of);
            let credential = principal(number).credential;
            match step {
                0 => {
                    cache.apply(Change::User(user.user_id));
                }
                1 => {
                    cache.apply(Change::ApiKey(ApiKeyId::from_uuid(credential.uuid())));
                }
                _ => {
                    let count = u128::from(step % 2) * 100 + of;
                    let one = Principal {
                        credential,
                        grants: grants(count, "/shared/a-path-of-some-length/"),
                        ..user
                    };
                    insert(&cache, number, one, at(now()));
                }
            }
            prop_assert_eq!(cache.bytes(), truth(&cache));
            prop_assert!(cache.bytes() <= 100_000);
            prop_assert_eq!(cache.index().found(), [cache.map.len(); 3]);
        }
    }
}
