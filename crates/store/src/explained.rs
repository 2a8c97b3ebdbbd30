//! Plans by which each engine answers a query, for tests.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::support::World;

/// Returns the steps by which the engine of `world` answers `query`, whose values are of these types
/// of PostgreSQL, such as `UUID, BIGINT`.
///
/// PostgreSQL reads tables this small in full, unless that is forbidden; it does so nevertheless
/// where there is no other way, which is what tests look for.
pub(crate) async fn steps(world: &World, query: &str, types: &str) -> Vec<String> {
    let url = world.database.url.to_string();
    if !url.starts_with("postgres") {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let rows = sqlx::raw_sql(explain).fetch_all(&mut connection).await;
        return rows.unwrap().iter().map(|row| row.get("detail")).collect();
    }
    let url = world.database.postgres_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let prepare = format!(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
         SET plan_cache_mode = force_generic_plan; PREPARE asked ({types}) AS {query}"
    );
    let prepared = sqlx::raw_sql(AssertSqlSafe(prepare));
    prepared.execute(&mut connection).await.unwrap();
    let nulls = vec!["NULL"; types.split(',').count()].join(", ");
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked ({nulls})"));
    let rows = sqlx::raw_sql(explain).fetch_all(&mut connection).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Asserts that a query is answered from `index`, without reading any table in full and without
/// sorting what was found.
pub(crate) async fn uses_only(world: &World, query: &str, types: &str, index: &str) {
    let steps = steps(world, query, types).await;
    assert!(
        steps.iter().any(|step| step.contains(index)),
        "{index} is not used: {steps:#?}"
    );
    let slow = |step: &&String| {
        let in_full = step.contains("SCAN") && !step.starts_with("SCAN counted");
        in_full
            || step.contains("Seq Scan")
            || step.contains("TEMP B-TREE")
            || step.contains("Sort")
    };
    assert_eq!(steps.iter().find(slow), None, "{steps:#?}");
}
