//! A database that says nothing: its process is stopped, or its packets are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use vestibule_model::{Change, SystemClock};
use vestibule_store::{ChangeSink, Store, StoreError};

use crate::support::{Backend, Memory, Told, World, at, record};

/// Stands before a server, and passes on what it is sent for as long as it is open.
struct Gate {
    port: u16,
    open: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
}

impl Gate {
    async fn before(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, opened) = watch::channel(true);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(&address).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, opened.clone()));
                tokio::spawn(pass(from_server, to_client, opened.clone()));
            }
        });
        Self {
            port,
            open,
            connections,
        }
    }

    fn shut(&self, shut: bool) {
        self.open.send_replace(!shut);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut open: watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = vec![0; 65_536];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || open.wait_for(|open| *open).await.is_err() {
            break;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}

async fn behind_a_gate(world: &World) -> (Store, Gate) {
    let gate = Gate::before(world.database.server_address()).await;
    let store = Store::connect(world.database.behind(gate.port))
        .await
        .unwrap();
    (store, gate)
}

async fn recovers(store: &Store, world: &World) {
    let deadline = Instant::now() + Duration::from_secs(25);
    while store.user(world.owner.id).await.is_err() {
        assert!(Instant::now() < deadline, "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_silent_database_is_reported_soon_and_then_asked_by_one_at_a_time() {
    let world = World::new(Backend::Postgres).await;
    let (store, gate) = behind_a_gate(&world).await;
    store.user(world.owner.id).await.unwrap();
    gate.shut(true);
    // Twenty at once find out. A second is promised, and five times that is waited for.
    let found_out = (0..20).map(|turn| {
        let store = &store;
        let owner = world.owner.id;
        async move {
            match turn % 3 {
                0 => store.begin().await.map(drop),
                1 => store.ping().await.map(drop),
                _ => store.user(owner).await.map(drop),
            }
        }
    });
    let all = futures_util::future::join_all(found_out);
    let answers = tokio::time::timeout(Duration::from_secs(5), all)
        .await
        .expect("an answer within a second");
    for answer in answers {
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    }
    // Whoever asks from now on is told at once, without another connection.
    let before = gate.connections.load(Ordering::SeqCst);
    let begun = Instant::now();
    for _ in 0..1_000 {
        if begun.elapsed() > Duration::from_secs(1) {
            break;
        }
        store.user(world.owner.id).await.unwrap_err();
    }
    let probes = gate.connections.load(Ordering::SeqCst) - before;
    assert!(probes <= 20, "{probes} connections for a thousand calls");
    gate.shut(false);
    recovers(&store, &world).await;
}

#[tokio::test]
async fn a_commit_without_an_answer_may_have_been_made() {
    let world = World::new(Backend::Postgres).await;
    let (store, gate) = behind_a_gate(&world).await;
    let mut write = store.begin_unaudited().await.unwrap();
    write.doubt_clock(at(1)).await.unwrap();
    let memory = Arc::new(Memory::default());
    store.attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    let commit = async {
        // Without a record and without a change to publish, the commit is the next statement.
        write.commit().await
    };
    gate.shut(true);
    let (committed, read) = tokio::join!(commit, store.user(world.owner.id));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(
        matches!(committed, Err(StoreError::Uncertain(_))),
        "{committed:?}"
    );
    gate.shut(false);
    recovers(&store, &world).await;
}

#[tokio::test]
async fn a_transaction_that_waits_for_a_lock_is_no_sign_of_silence() {
    let world = World::new(Backend::Postgres).await;
    let (held, waits) = (world.database.connect().await, &world.store);
    let mut first = held.begin().await.unwrap();
    first.lock_organization(world.scope).await.unwrap();
    let mut second = waits.begin().await.unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        first.commit(record("test.done")).await.unwrap();
    };
    let (locked, ()) = tokio::join!(second.lock_organization(world.scope), release);
    locked.unwrap();
    second.commit(record("test.done")).await.unwrap();
}

/// Ends with its transaction, and the setting with it, when the test ends.
struct Standby(String);

impl Standby {
    async fn run(url: &str, command: &'static str) {
        let mut operator = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(command).execute(&mut operator).await.unwrap();
        let reload = "SELECT pg_reload_conf()";
        sqlx::raw_sql(reload).execute(&mut operator).await.unwrap();
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let url = self.0.clone();
        let reset = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(Self::run(
                    &url,
                    "ALTER SYSTEM RESET synchronous_standby_names",
                ));
        });
        let _ = reset.join();
    }
}

// Commits that notify hold one lock for all databases of a cluster until they are done, and one that
// waits for a standby is not done. The tests' own server lets no other commit wait for a standby.
#[tokio::test]
async fn a_notifying_commit_that_hangs_in_another_database_holds_up_nothing() {
    let world = World::new(Backend::Postgres).await;
    let elsewhere = World::new(Backend::Postgres).await;
    let url = elsewhere.database.postgres_url();
    let mut hangs = PgConnection::connect(&url).await.unwrap();
    let local: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(&mut hangs)
        .await
        .unwrap();
    assert_eq!(
        local, "local",
        "commits of other tests would wait for the standby"
    );
    let _standby = Standby(url.clone());
    Standby::run(
        &url,
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
    )
    .await;
    let hanging = tokio::spawn(async move {
        // The server heeds the setting a little later.
        // Only a transaction that has written something waits for the standby.
        let commit = "SET synchronous_commit = on;
            SELECT pg_logical_emit_message(true, 'elsewhere', ''); NOTIFY elsewhere";
        while sqlx::raw_sql(commit).execute(&mut hangs).await.is_ok() {}
    });
    let mut operator = PgConnection::connect(&url).await.unwrap();
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let waiting: i64 = sqlx::query_scalar(waits)
            .fetch_one(&mut operator)
            .await
            .unwrap();
        if waiting > 0 {
            break;
        }
        assert!(Instant::now() < deadline, "no commit waits for the standby");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let other = world.database.connect().await;
    let memory = Arc::new(Memory::default());
    world
        .store
        .attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    let store = world.store.clone();
    let feed =
        tokio::spawn(async move { store.run_feed(&SystemClock, std::future::pending()).await });
    memory
        .wait_for(Told::Resumed, Duration::from_secs(10))
        .await;
    memory.forget();
    for change in [Change::User(world.owner.id), Change::Keyring] {
        let mut write = other.begin().await.unwrap();
        write.change(change);
        write.commit(record("test.changed")).await.unwrap();
        memory
            .wait_for(Told::Applied(change), Duration::from_secs(5))
            .await;
    }
    // Longer than the lease.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(
        !memory.all().contains(&Told::Suspended),
        "{:?}",
        memory.all()
    );
    feed.abort();
    hanging.abort();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE wait_event = 'SyncRep'";
    sqlx::raw_sql(end).execute(&mut operator).await.unwrap();
}
