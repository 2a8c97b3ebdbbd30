use sqlx::{AssertSqlSafe, ConnectOptions as _};
use vestibule_model::{Capability, GrantHolder};

use super::query::CallerQuery;
use super::*;
use crate::membership::ENDS_SINCE;
use crate::sql::sql;
use crate::store::Pool;
use crate::support::{Backend, World, at};

/// The queries that stand in the way of a request whose caller is not cached, with values that
/// `EXPLAIN` takes on PostgreSQL.
const QUERIES: [(CallerQuery, &str); 4] = [
    (BY_KEY, "(BYTEA)"),
    (BY_COOKIE, "(BYTEA)"),
    (BY_SESSION, "(UUID, UUID)"),
    (BY_TOKEN, "(UUID, UUID, UUID)"),
];

#[tokio::test]
async fn sqlite_finds_a_caller_by_indexes_alone() {
    let world = World::new(Backend::Sqlite).await;
    for (query, _) in QUERIES {
        let query: &'static str = format!("EXPLAIN QUERY PLAN {}", query.sqlite).leak();
        let steps: Vec<String> = sql(query)
            .bind(&Digest::of(b""))
            .bind(world.organization.id)
            .all(&mut world.store.reader().await.unwrap(), |row| {
                row.get("detail")
            })
            .await
            .unwrap();
        assert!(steps.len() > 5, "{steps:#?}");
        assert!(
            !steps.iter().any(|step| step.contains("SCAN")),
            "{steps:#?}"
        );
        let suspended = "SEARCH u USING COVERING INDEX user_account_suspended (id>? AND id<?)";
        assert!(steps.iter().any(|step| step == suspended), "{steps:#?}");
    }
}

#[tokio::test]
async fn postgres_can_find_a_caller_by_indexes_alone() {
    let world = World::new(Backend::Postgres).await;
    let Pool::Postgres(postgres) = &world.store.pool else {
        unreachable!("the backend is PostgreSQL")
    };
    let mut connection = postgres.options.connect().await.unwrap();
    // Tables this small are read whole unless that is forbidden; it is done nevertheless where
    // there is no other way, which is what this looks for.
    for setting in [
        "SET enable_seqscan = off",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        sqlx::query(setting).execute(&mut connection).await.unwrap();
    }
    for (index, (query, types)) in QUERIES.into_iter().enumerate() {
        let prepare = format!("PREPARE caller_{index} {types} AS {}", query.postgres);
        let nulls = types.replace("BYTEA", "NULL").replace("UUID", "NULL");
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut connection)
            .await
            .unwrap();
        let explain = format!("EXPLAIN EXECUTE caller_{index} {nulls}");
        let rows = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let steps: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
        assert!(steps.len() > 5, "{steps:#?}");
        assert!(
            !steps.iter().any(|step| step.contains("Seq Scan")),
            "{steps:#?}"
        );
    }
}

/// Asked at the first sight of a token for another organisation than its session's, beside an audit
/// log of any length.
#[rstest::rstest]
#[tokio::test]
async fn the_end_of_a_membership_is_found_by_an_index(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let steps: Vec<String> = match &world.store.pool {
        Pool::Sqlite(_) => {
            let query: &'static str = format!("EXPLAIN QUERY PLAN {ENDS_SINCE}").leak();
            sql(query)
                .bind(world.organization.id)
                .bind(at(0))
                .bind("")
                .all(&mut world.store.reader().await.unwrap(), |row| {
                    row.get("detail")
                })
                .await
                .unwrap()
        }
        Pool::Postgres(postgres) => {
            let mut connection = postgres.options.connect().await.unwrap();
            let prepare = format!(
                "SET enable_seqscan = off; PREPARE ends (UUID, BIGINT, TEXT) AS {ENDS_SINCE}"
            );
            sqlx::raw_sql(AssertSqlSafe(prepare))
                .execute(&mut connection)
                .await
                .unwrap();
            let id = world.organization.id.uuid();
            let explain = format!("EXPLAIN EXECUTE ends ('{id}', 0, '')");
            let rows = sqlx::raw_sql(AssertSqlSafe(explain))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
        }
    };
    // That of all records about the user does as well: there are few.
    let indexes = ["audit_record_membership_end", "audit_record_subject"];
    let used = |step: &String| indexes.iter().any(|index| step.contains(index));
    assert!(steps.iter().any(used), "{steps:#?}");
}

#[test]
fn a_grant_is_read_whatever_is_in_its_path() {
    let id = "01890A5DAC96774BBCCEB302099A8057";
    let grants = read_grants(Some(format!(
        r#"[["{id}",null,"READ_ONLY",0,"/a  b/\"c"],["{id}","{id}","READ_WRITE",1,"/"]]"#
    )))
    .unwrap();
    assert_eq!(grants[0].path.as_str(), "/a  b/\"c");
    assert_eq!((grants[0].through, grants[0].can_approve), (None, false));
    assert!(grants[1].through.is_some() && grants[1].can_approve);
    for nothing in [None, Some(String::new()), Some("[]".to_owned())] {
        assert_eq!(read_grants(nothing).unwrap(), []);
    }
    for broken in ["x", r#"[["01",null,"READ_ONLY",0,"/a"]]"#, "[[]]"] {
        assert!(read_grants(Some(broken.to_owned())).is_err(), "{broken:?}");
    }
}

/// The name is theirs to use: this program calls no function of its own in their schema.
#[tokio::test]
async fn no_caller_is_looked_up_by_a_function_of_ours() {
    let world = World::new(Backend::Postgres).await;
    world.raw("DROP FUNCTION hex(UUID)").await;
    world.api_key(world.owner.id, "key", true).await;
    let found = world
        .store
        .caller_by_key(&Digest::of(b"key"))
        .await
        .unwrap();
    assert_eq!(found.unwrap().1.narrowed_to, Some(Vec::new()));
}

/// A note of the cost, for whoever changes the query: run it in release with `--nocapture`. The
/// figures that count are those of `bench`.
#[tokio::test]
async fn a_first_sight_of_a_key_is_one_query() {
    let world = World::new(Backend::Sqlite).await;
    let key = world.api_key(world.owner.id, "key", true).await;
    let holder = GrantHolder::ApiKey(key.id);
    world.grant(holder, "/shared", Capability::ReadOnly).await;
    let digest = Digest::of(b"key");
    let rounds = 1_000_u32;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        let (found, _) = world.store.caller_by_key(&digest).await.unwrap().unwrap();
        assert_eq!(found.created_at, at(0));
    }
    println!("caller_by_key: {:?}", start.elapsed() / rounds);
}

#[rstest::rstest]
#[tokio::test]
async fn a_caller_is_found_while_every_connection_that_others_may_hold_is_in_use(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    world.api_key(world.owner.id, "key", false).await;
    world.session(world.owner.id, "cookie").await;
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    if backend == Backend::Sqlite {
        for _ in 0..4 {
            readers.push(world.store.reader().await.unwrap());
        }
    } else {
        while let Ok(reader) = world.store.list_reader().await {
            readers.push(reader);
        }
        while let Ok(writer) = world.store.begin().await {
            writers.push(writer);
        }
        assert!(readers.len() > 1 && writers.len() > 1);
    }
    let digest = |secret: &str| Digest::of(secret.as_bytes());
    let by_key = world.store.caller_by_key(&digest("key")).await;
    assert!(by_key.unwrap().is_some());
    let by_cookie = world.store.caller_by_cookie(&digest("cookie")).await;
    assert!(by_cookie.unwrap().is_some());
}
