//! Changes are heard elsewhere.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::oneshot;
use vestibule_model::{BootTime, Change, SystemClock};
use vestibule_store::{ChangeSink, LEASE, Store};

use crate::support::{Backend, Memory, Told, World, record};

/// A sink, and the feed that tells it. Dropping the sender ends the feed.
async fn follow(store: &Store) -> (Arc<Memory>, oneshot::Sender<()>) {
    let memory = Arc::new(Memory::default());
    store.attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    let (stop, stopped) = oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let stopped = async {
            let _: Result<(), _> = stopped.await;
        };
        store.run_feed(&SystemClock, stopped).await;
    });
    memory.wait_for(Told::Resumed, Duration::from_secs(3)).await;
    assert_eq!(memory.all(), [Told::Suspended, Told::Resumed]);
    memory.forget();
    (memory, stop)
}

async fn announce(store: &Store, change: Change) {
    let mut write = store.begin().await.unwrap();
    write.change(change);
    write.commit(record("test.changed")).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn another_process_s_changes_are_heard_in_their_order(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.database.connect().await;
    // What was announced before the feed began is in what is read after it.
    announce(&other, Change::Everything).await;
    let (memory, _stop) = follow(&world.store).await;
    let changes = [
        Change::User(world.owner.id),
        Change::Keyring,
        Change::Organization(world.organization.id),
    ];
    let limit = match backend {
        Backend::Sqlite => Duration::from_millis(500),
        Backend::Postgres => Duration::from_secs(1),
    };
    for change in changes {
        announce(&other, change).await;
        memory.wait_for(Told::Applied(change), limit).await;
    }
    // On PostgreSQL a change may be told twice: by a notification, and by the look at the table.
    let mut told = memory.all();
    told.dedup();
    assert_eq!(told, changes.map(Told::Applied));
}

#[rstest]
#[tokio::test]
async fn two_processes_hear_each_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.database.connect().await;
    let (here, _stop) = follow(&world.store).await;
    let (there, _stop_there) = follow(&other).await;
    announce(&world.store, Change::User(world.owner.id)).await;
    let told = Told::Applied(Change::User(world.owner.id));
    assert_eq!(here.all().first(), Some(&told), "at once where it was made");
    there.wait_for(told, Duration::from_secs(1)).await;
    announce(&other, Change::Keyring).await;
    here.wait_for(Told::Applied(Change::Keyring), Duration::from_secs(1))
        .await;
}

#[rstest]
#[tokio::test]
async fn a_change_of_a_later_version_empties_everything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (memory, _stop) = follow(&world.store).await;
    world
        .raw("INSERT INTO change (fact) VALUES ('moon:full')")
        .await;
    let told = Told::Applied(Change::Everything);
    memory.wait_for(told, Duration::from_secs(1)).await;
}

// A version without a change table notifies and writes nothing down.
#[tokio::test]
async fn changes_of_the_version_before_are_heard() {
    let world = World::new(Backend::Postgres).await;
    let (memory, _stop) = follow(&world.store).await;
    world.raw("SELECT pg_notify('vestibule', 'keyring')").await;
    let told = Told::Applied(Change::Keyring);
    memory.wait_for(told, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_change_that_was_committed_late_is_heard() {
    let world = World::new(Backend::Postgres).await;
    let other = world.database.connect().await;
    let (memory, _stop) = follow(&world.store).await;
    // Its number is taken now, and those of others that are committed before are larger.
    let mut late = PgConnection::connect(&world.database.postgres_url())
        .await
        .unwrap();
    let mut late = late.begin().await.unwrap();
    sqlx::query("INSERT INTO change (fact) VALUES ('keyring')")
        .execute(&mut *late)
        .await
        .unwrap();
    announce(&other, Change::User(world.owner.id)).await;
    let told = Told::Applied(Change::User(world.owner.id));
    memory.wait_for(told, Duration::from_secs(5)).await;
    late.commit().await.unwrap();
    let told = Told::Applied(Change::Keyring);
    memory.wait_for(told, Duration::from_secs(5)).await;
}

// A copy that is restored in place has another history from some number on.
#[rstest]
#[case::shorter("DELETE FROM change WHERE seq > 1")]
#[case::other_changes_of_the_same_numbers("UPDATE change SET mark = 7 WHERE seq > 1")]
#[tokio::test]
async fn a_database_restored_in_place_changes_everything(#[case] restore: &'static str) {
    let world = World::new(Backend::Sqlite).await;
    for _ in 0..3 {
        announce(&world.store, Change::Keyring).await;
    }
    let (memory, _stop) = follow(&world.store).await;
    world.raw(restore).await;
    let told = Told::Applied(Change::Everything);
    memory.wait_for(told, Duration::from_secs(5)).await;
    memory.forget();
    announce(&world.database.connect().await, Change::Keyring).await;
    let told = Told::Applied(Change::Keyring);
    memory.wait_for(told, Duration::from_secs(5)).await;
}

#[rstest]
#[tokio::test]
async fn a_feed_that_was_told_to_stop_tells_no_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.database.connect().await;
    let (memory, stop) = follow(&world.store).await;
    drop(stop);
    memory
        .wait_for(Told::Suspended, Duration::from_secs(3))
        .await;
    announce(&other, Change::Keyring).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(memory.all(), [Told::Suspended]);
}

/// A sink that cannot bear to hear again.
struct Brittle;

impl ChangeSink for Brittle {
    fn apply(&self, _: Change) {}

    fn suspend(&self) {}

    fn resume(&self, _: BootTime) {
        panic!("on purpose")
    }
}

#[rstest]
#[tokio::test]
async fn a_feed_that_panics_or_is_dropped_leaves_the_sinks_suspended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(true, false)] panics: bool,
) {
    let world = World::new(backend).await;
    let memory = Arc::new(Memory::default());
    world
        .store
        .attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    if panics {
        world.store.attach(Arc::new(Brittle));
    }
    let store = world.store.clone();
    let feed =
        tokio::spawn(async move { store.run_feed(&SystemClock, std::future::pending()).await });
    memory.wait_for(Told::Resumed, Duration::from_secs(3)).await;
    if !panics {
        feed.abort();
    }
    let ended = feed.await.unwrap_err();
    assert_eq!(ended.is_panic(), panics);
    assert_eq!(memory.all().last(), Some(&Told::Suspended));
}

#[tokio::test]
async fn a_process_that_slept_through_the_pruning_forgets_everything() {
    let world = World::new(Backend::Sqlite).await;
    let (memory, _stop) = follow(&world.store).await;
    world
        .raw("INSERT INTO change (seq, fact) VALUES (100, 'keyring')")
        .await;
    let told = Told::Applied(Change::Keyring);
    memory.wait_for(told, Duration::from_secs(1)).await;
    assert_eq!(memory.all(), [Told::Applied(Change::Everything), told]);
}

#[rstest]
#[tokio::test]
async fn a_feed_that_was_held_up_for_longer_than_the_lease_suspends_and_resumes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.database.connect().await;
    let (memory, _stop) = follow(&world.store).await;
    // This is the only thread, so that nothing of this process runs.
    std::thread::sleep(LEASE);
    memory
        .wait_for(Told::Suspended, Duration::from_secs(2))
        .await;
    memory.wait_for(Told::Resumed, Duration::from_secs(5)).await;
    assert_eq!(memory.all(), [Told::Suspended, Told::Resumed]);
    announce(&other, Change::Keyring).await;
    let told = Told::Applied(Change::Keyring);
    memory.wait_for(told, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_feed_that_is_cut_suspends_and_resumes() {
    let world = World::new(Backend::Postgres).await;
    let other = world.database.connect().await;
    let (memory, _stop) = follow(&world.store).await;
    let mut operator = PgConnection::connect(&world.database.postgres_url())
        .await
        .unwrap();
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE '%pg_snapshot_xmin%'
                   AND pid <> pg_backend_pid()";
    let listeners: i64 = sqlx::query_scalar(cut)
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(listeners, 1);
    memory
        .wait_for(Told::Suspended, Duration::from_secs(2))
        .await;
    memory.wait_for(Told::Resumed, Duration::from_secs(5)).await;
    announce(&other, Change::Keyring).await;
    let told = Told::Applied(Change::Keyring);
    memory.wait_for(told, Duration::from_secs(1)).await;
}
