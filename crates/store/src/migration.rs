//! The migrations that a database has.

use crate::StoreError;
use crate::sql::{Connection, Source, sql};

/// The newest migration of ours that a database has; `None` where it has none, whatever other
/// tables are in it.
pub(crate) async fn newest(source: &mut impl Source) -> Result<Option<i64>, StoreError> {
    let is_there = match source.connection()? {
        Connection::Sqlite(..) => {
            "SELECT COUNT(*) AS count FROM sqlite_schema WHERE name = '_sqlx_migrations'"
        }
        Connection::Postgres(_) => "SELECT COUNT(to_regclass('_sqlx_migrations')) AS count",
    };
    if sql(is_there).count(source).await? == 0 {
        return Ok(None);
    }
    // The table has this name in every program that migrates as we do: the first entry tells whose
    // it is.
    sql("SELECT MAX(version) AS version FROM _sqlx_migrations
         WHERE success AND EXISTS (SELECT 1 FROM _sqlx_migrations
             WHERE version = 1 AND description = 'foundation' AND success)")
    .one(source, |row| row.get::<Option<i64>>("version"))
    .await
}
