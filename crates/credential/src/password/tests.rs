use std::time::Instant;

use proptest::prelude::*;
use rstest::rstest;
use vestibule_model::OsEntropy;

use super::*;

fn hasher(threads: usize, queue: usize) -> PasswordHasher {
    PasswordHasher::start(HasherConfig {
        threads,
        queue,
        nice: 10,
    })
    .unwrap()
}

fn password(text: &str) -> PlainPassword {
    text.to_owned().try_into().unwrap()
}

#[tokio::test]
async fn a_password_matches_its_own_hash_and_no_other() {
    let hasher = hasher(1, 8);
    let hash = hasher.hash(password("correct"), &OsEntropy).await.unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    assert_eq!(
        hasher.verify(password("correct"), Some(hash.clone())).await,
        Ok(PasswordVerdict::Match { rehash: false })
    );
    assert_eq!(
        hasher.verify(password("Correct"), Some(hash)).await,
        Ok(PasswordVerdict::Mismatch)
    );
}

#[tokio::test]
async fn the_same_password_hashes_to_different_texts() {
    let hasher = hasher(1, 8);
    let first = hasher.hash(password("same"), &OsEntropy).await.unwrap();
    let second = hasher.hash(password("same"), &OsEntropy).await.unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn without_a_stored_hash_nothing_matches() {
    let verdict = hasher(1, 8).verify(password("anything"), None).await;
    assert_eq!(verdict, Ok(PasswordVerdict::Mismatch));
}

// Equal time is not measured here, where others are at work too: equal work is what makes it.
#[test]
fn an_unknown_user_costs_as_much_as_a_known_one() {
    let mut scratch = phc::Scratch::default();
    let hash = phc::Fresh::new(&OsEntropy).hash(b"right", &mut scratch);
    let known = phc::Stored::read(&hash.unwrap()).unwrap();
    let unknown = phc::Stored::dummy();
    assert_eq!(unknown.work(), known.work());
    for stored in [&known, &unknown] {
        let mut scratch = phc::Scratch::default();
        let verdict = stored.verify(b"wrong", &mut scratch);
        assert_eq!(verdict, Ok(PasswordVerdict::Mismatch));
        assert_eq!(scratch.filled(), 19 * 1_024);
    }
}

// "password" and the salt "somesalt", from the reference implementation's own tests.
#[rstest]
#[case::argon2id(
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::argon2i(
    "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"
)]
#[case::argon2i_of_version_1_0(
    "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"
)]
#[tokio::test]
async fn a_hash_of_other_parameters_matches_and_asks_for_a_new_one(#[case] stored: &str) {
    let hasher = hasher(1, 8);
    assert_eq!(
        hasher
            .verify(password("password"), Some(stored.to_owned()))
            .await,
        Ok(PasswordVerdict::Match { rehash: true })
    );
    assert_eq!(
        hasher
            .verify(password("passwore"), Some(stored.to_owned()))
            .await,
        Ok(PasswordVerdict::Mismatch)
    );
}

#[rstest]
#[case::empty("")]
#[case::clear_text("hunter2")]
#[case::another_algorithm(
    "$scrypt$ln=15,r=8,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::bcrypt("$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q")]
#[case::four_gibibytes(
    "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::a_million_passes(
    "$argon2id$v=19$m=256,t=1000000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::many_lanes(
    "$argon2id$v=19$m=65536,t=2,p=64$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::no_memory(
    "$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::no_pass(
    "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::unknown_version(
    "$argon2id$v=18$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::unknown_parameter(
    "$argon2id$v=19$m=256,t=2,p=1,x=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::no_hash("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ")]
#[case::a_hash_that_is_guessed("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR")]
#[tokio::test]
async fn a_stored_hash_that_is_absurd_or_damaged_is_refused_before_hashing(#[case] stored: &str) {
    let start = Instant::now();
    let verdict = hasher(1, 8)
        .verify(password("password"), Some(stored.to_owned()))
        .await;
    assert_eq!(verdict, Err(HashError::StoredHash));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn what_does_not_fit_the_queue_is_refused_at_once() {
    let hasher = hasher(1, 4);
    let start = Instant::now();
    let asked: Vec<_> = (0..200)
        .map(|_| hasher.verify(password("burst"), None))
        .collect();
    assert!(start.elapsed() < Duration::from_secs(1));
    let (mut answered, mut refused) = (0, 0);
    for one in asked {
        match one.await {
            Ok(PasswordVerdict::Mismatch) => answered += 1,
            Err(HashError::Busy { retry_after }) => {
                assert!(retry_after >= Duration::from_secs(1));
                assert_eq!(retry_after.subsec_nanos(), 0);
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(answered >= 4, "{answered} answered");
    assert!(refused >= 150, "{refused} refused");
    let after = hasher.verify(password("after"), None).await;
    assert_eq!(after, Ok(PasswordVerdict::Mismatch));
}

#[tokio::test]
async fn a_hash_nobody_waits_for_is_not_computed() {
    let hasher = hasher(1, 256);
    for _ in 0..200 {
        drop(hasher.verify(password("gone"), None));
    }
    let start = Instant::now();
    hasher.verify(password("here"), None).await.unwrap();
    // 200 hashes would take four seconds.
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_share_one_queue() {
    let hasher = hasher(3, 64);
    let asked: Vec<_> = (0..24)
        .map(|_| tokio::spawn(hasher.hash(password("shared"), &OsEntropy)))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    for one in asked {
        seen.insert(one.await.unwrap().unwrap());
    }
    assert_eq!(seen.len(), 24);
}

#[tokio::test]
async fn what_waits_is_answered_after_the_last_handle_is_gone() {
    let hasher = hasher(1, 8);
    let asked: Vec<_> = (0..4)
        .map(|_| hasher.verify(password("last"), None))
        .collect();
    drop(hasher);
    for one in asked {
        assert_eq!(one.await, Ok(PasswordVerdict::Mismatch));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_threads_run_at_the_configured_priority_and_the_others_do_not() {
    let usual = rustix::process::getpriority_process(None).unwrap();
    let hasher = PasswordHasher::start(HasherConfig {
        threads: 1,
        queue: 1,
        nice: 17,
    })
    .unwrap();
    hasher.verify(password("warm"), None).await.unwrap();
    let nice_of_threads: Vec<i32> = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|entry| {
            let directory = entry.unwrap().path();
            let stat = std::fs::read_to_string(directory.join("stat")).ok()?;
            // Field 19 of proc(5); the name before it is in parentheses and may hold spaces.
            let after_name = stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok()?;
            stat.contains("(password-").then_some(after_name)
        })
        .collect();
    assert!(nice_of_threads.contains(&17), "{nice_of_threads:?}");
    assert_eq!(rustix::process::getpriority_process(None).unwrap(), usual);
}

#[rstest]
#[case(String::new(), "empty_password")]
#[case("x".repeat(1_025), "password_too_long")]
#[case("é".repeat(513), "password_too_long")]
fn only_1_to_1024_bytes_are_a_password(#[case] text: String, #[case] reason: &str) {
    assert_eq!(PlainPassword::try_from(text).unwrap_err().reason, reason);
}

#[test]
fn any_character_may_stand_in_a_password() {
    let odd = password(" \0\n🦀\u{feff} ");
    assert_eq!(odd.chars(), 6);
    assert_eq!(format!("{odd:?}"), "PlainPassword(…)");
}

#[test]
fn two_passwords_are_the_same_when_every_byte_is() {
    let one = password("correct horse");
    assert_eq!(one.clone(), one);
    for other in ["Correct horse", "correct hors", "correct horse ", "c"] {
        assert_ne!(password(other), one);
    }
}

#[test]
fn the_default_leaves_processors_to_the_checks() {
    let config = HasherConfig::default();
    assert!((1..=4).contains(&config.threads));
    assert_eq!(config.nice, 10);
}

proptest! {
    #[test]
    fn no_stored_text_makes_the_reader_panic(text in "(\\$argon2id\\$)?.*") {
        let _ = phc::Stored::read(&text);
    }
}

#[tokio::test]
async fn memory_is_kept_for_the_next_hash_and_released_after_a_quiet_time() {
    let config = HasherConfig {
        threads: 2,
        queue: 8,
        nice: 10,
    };
    let kept = |memory: &Arc<Memory>| memory.lock().len();

    let memory = Arc::new(Memory::default());
    let hasher = PasswordHasher::start_with(config, &memory, Duration::from_secs(3_600)).unwrap();
    for _ in 0..4 {
        hasher.hash(password("kept"), &OsEntropy).await.unwrap();
    }
    // The threads hand it back after they have answered.
    while kept(&memory) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(kept(&memory) <= 2, "more than one block a thread");

    // Kept by hand, so that nothing can be released before it is looked at.
    let memory = Arc::new(Memory::default());
    memory.keep(phc::Scratch::default());
    let _hasher = PasswordHasher::start_with(config, &memory, Duration::from_millis(10)).unwrap();
    while kept(&memory) > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}
