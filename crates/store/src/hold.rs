//! Rows that stay as they are until a transaction is over.

use crate::sql::{Query, sql};
use crate::{StoreError, Write};

/// A query for a row to hold, as each engine has it. On PostgreSQL it locks the row as an `UPDATE`
/// would, but leaves no other version of it behind: a key that is created holds three rows, and
/// updating them wrote 82 KB to the log. On SQLite whoever writes holds everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Makes a [`Held`] of `SELECT 1 AS held FROM …`.
macro_rules! held {
    ($query:literal) => {
        $crate::hold::Held {
            sqlite: $query,
            postgres: concat!($query, " FOR NO KEY UPDATE"),
        }
    };
}
pub(crate) use held;

impl Write {
    /// Begins a query for a row that is held until the transaction is over.
    pub(crate) fn hold(&self, Held { sqlite, postgres }: Held) -> Query {
        sql(if self.holds_everything() {
            sqlite
        } else {
            postgres
        })
    }
}

impl Query {
    /// Runs it; whether there is such a row.
    pub(crate) async fn exists(self, write: &mut Write) -> Result<bool, StoreError> {
        let held = self.optional(write, |_| Ok(())).await?;
        Ok(held.is_some())
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, PgConnection};

    use crate::support::{Backend, World, at, record};

    #[tokio::test]
    async fn holding_a_row_leaves_no_other_version_of_it_behind() {
        let world = World::new(Backend::Postgres).await;
        let key = world.api_key(world.owner.id, "key", false).await;
        let session = world.session(world.owner.id, "cookie").await;
        let url = world.database.postgres_url();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        // Where each row's newest version lies.
        let mut places = async || {
            let query = "SELECT CONCAT_WS(' ',
                (SELECT ctid FROM organization), (SELECT ctid FROM user_account),
                (SELECT ctid FROM api_key), (SELECT ctid FROM session))";
            let places = sqlx::query_scalar::<_, String>(query);
            places.fetch_one(&mut connection).await.unwrap()
        };
        let before = places().await;
        let mut write = world.store.begin().await.unwrap();
        assert!(write.lock_organization(world.scope).await.unwrap());
        assert!(write.hold_user(world.owner.id).await.unwrap());
        assert!(write.hold_api_key(key.id, at(1)).await.unwrap());
        assert!(write.hold_session(session.id, at(1), at(-1)).await.unwrap());
        write.commit(record("test.held")).await.unwrap();
        assert_eq!(places().await, before);
    }
}
