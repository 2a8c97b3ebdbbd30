//! Which failures are tried again, and the rules that migrations keep.

use rstest::rstest;
use sqlx::migrate::Migration;
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::*;

#[rstest]
#[case::table("CREATE TABLE t (a)", true)]
#[case::index("CREATE INDEX i ON t (a)", true)]
#[case::column("ALTER TABLE t ADD COLUMN a", true)]
#[case::noted("INSERT INTO t VALUES (1)", true)]
#[case::nothing_there("ALTER TABLE u ADD COLUMN a", false)]
#[case::not_sql("CREATE TABEL u (a)", false)]
#[case::read_only("PRAGMA query_only = 1; CREATE TABLE u (a)", false)]
#[case::full("PRAGMA max_page_count = 1; CREATE TABLE u (a)", false)]
#[tokio::test]
async fn a_migration_is_tried_again_only_where_another_process_was_at_it(
    #[case] query: &'static str,
    #[case] again: bool,
) {
    let mut memory = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let before =
        "CREATE TABLE t (a PRIMARY KEY); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1)";
    memory.execute(before).await.unwrap();
    let error = memory.execute(query).await.unwrap_err();
    let text = error.to_string();
    let error = MigrateError::ExecuteMigration(error, 1);
    assert_eq!(is_done_by_another(&error), again, "{text}");
}

#[tokio::test]
async fn a_migration_is_tried_again_where_another_process_writes() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite:{}?mode=rwc",
        folder.path().join("busy.db").display()
    );
    let mut writes = SqliteConnection::connect(&url).await.unwrap();
    writes.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut waits = SqliteConnection::connect(&url).await.unwrap();
    let late = "PRAGMA busy_timeout = 0; CREATE TABLE t (a)";
    let error = waits.execute(late).await.unwrap_err();
    assert!(is_done_by_another(&error.into()));
}

/// The statements of a migration, without comments. None of ours has a `;` within a statement.
fn statements(migration: &Migration) -> Vec<String> {
    let lines = migration.sql.as_str().lines();
    let without_comments: Vec<_> = lines
        .map(|line| line.split("--").next().unwrap_or_default().trim())
        .collect();
    let text = without_comments.join(" ");
    let statements = text.split(';').map(str::trim);
    let statements = statements.filter(|statement| !statement.is_empty());
    statements.map(str::to_owned).collect()
}

/// The table that `statement` makes an index on, if it does.
fn indexed(statement: &str) -> Option<&str> {
    let is_index = statement.starts_with("CREATE INDEX") || statement.starts_with("CREATE UNIQUE");
    let (_, table) = statement.split_once(" ON ").filter(|_| is_index)?;
    table.split([' ', '(']).next()
}

/// An index that is built within a transaction keeps all writers of its table out until it is
/// done. The migrations up to 7 were released before this rule.
#[test]
fn an_index_on_a_table_in_use_is_built_beside_its_writers_by_a_migration_of_its_own() {
    for migration in POSTGRES.iter().filter(|it| it.version > 7) {
        let name = format!("{} {}", migration.version, migration.description);
        let statements = statements(migration);
        let creates = |table: &str| {
            let begins = format!("CREATE TABLE {table} ");
            statements.iter().any(|it| it.starts_with(&begins))
        };
        let of_tables_in_use = |it: &&String| indexed(it).is_some_and(|table| !creates(table));
        let beside = statements.iter().filter(of_tables_in_use).count();
        if beside == 0 && !migration.no_tx {
            continue;
        }
        assert_eq!((beside, statements.len()), (1, 1), "{name}: nothing else");
        assert!(migration.no_tx, "{name}: begins with `-- no-transaction`");
        let form = postgres::INDEX_FORM;
        assert!(statements[0].contains(form), "{name}: has `{form}`");
    }
}

/// A new column with a value of its own in each row, or an index in the column's definition, has
/// the table written anew, or read in full, while nobody can use it.
#[test]
fn a_new_column_may_be_null_and_costs_nothing() {
    for migration in POSTGRES.iter().filter(|it| it.version > 7) {
        for statement in statements(migration) {
            let Some((_, column)) = statement.split_once(" ADD COLUMN ") else {
                continue;
            };
            for costly in ["NOT NULL", "UNIQUE", "PRIMARY KEY", "GENERATED", "()"] {
                let name = migration.version;
                assert!(!column.contains(costly), "{name}: {costly} in {statement}");
            }
        }
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let listed = |migrator: &Migrator| -> Vec<_> {
        let migrations = migrator.iter();
        migrations
            .map(|it| (it.version, it.description.clone()))
            .collect()
    };
    assert_eq!(listed(&SQLITE), listed(&POSTGRES));
}
