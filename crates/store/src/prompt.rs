//! Small reads, answered on the calling thread where the engine is SQLite.
//!
//! For statements that find at most some hundred rows through an index, by the limits of the model
//! or by a `LIMIT`: these take microseconds, several times less than handing them to another
//! thread. Where no connection is free, or the statement takes too long after all, it runs on a
//! pooled connection, as it does on PostgreSQL.

use crate::sql::{Query, Row};
use crate::{Store, StoreError};

impl Store {
    /// Returns the row of a query that finds at most one by a unique index.
    pub(crate) async fn prompt_optional<T>(
        &self,
        query: Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if let Some(inline) = self.inline_reads()
            && let Ok(answer) = inline.optional(&query, &read)
        {
            return answer;
        }
        query.optional(&mut self.reader().await?, read).await
    }

    /// Returns the rows of a query that finds few.
    pub(crate) async fn prompt_all<T>(
        &self,
        query: Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        if let Some(inline) = self.inline_reads()
            && let Ok(answer) = inline.all(&query, &read)
        {
            return answer;
        }
        query.all(&mut self.list_reader().await?, read).await
    }

    /// Returns the count of a query that counts few rows.
    pub(crate) async fn prompt_count(&self, query: Query) -> Result<u64, StoreError> {
        let count = |row: &Row<'_>| row.get::<i64>("count");
        let found = self.prompt_optional(query, count).await?;
        let found = found.ok_or_else(|| StoreError::Other("a count without a row".to_owned()))?;
        u64::try_from(found).map_err(StoreError::corrupt)
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::{Capability, GrantHolder};

    use crate::support::{Backend, World};
    use crate::{Page, Start};

    /// A connection of the pool is a thread of its own: with all of them in use, what is answered
    /// was answered on the calling thread.
    #[tokio::test]
    async fn the_reads_of_small_routes_need_no_connection_of_the_pool() {
        let world = World::new(Backend::Sqlite).await;
        let key = world.api_key(world.owner.id, "key", true).await;
        let holder = GrantHolder::ApiKey(key.id);
        world.grant(holder, "/shared", Capability::ReadOnly).await;
        let session = world.session(world.owner.id, "cookie").await;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(world.store.reader().await.unwrap());
        }
        let (store, scope, owner) = (&world.store, world.scope, world.owner.id);
        let organization = world.organization.id;
        // `GET /v1/users/me`, with a key and with a session.
        let bound = store.connection_of_api_key(key.id).await.unwrap();
        assert_eq!(bound, Some(None));
        assert!(!store.is_provider_only(owner, organization).await.unwrap());
        let reached = store.organization_of_sso_session(session.id).await.unwrap();
        assert_eq!(reached, None);
        for only in [None, Some(organization)] {
            let found = store.user_and_oldest_organization(owner, only).await;
            let (user, oldest) = found.unwrap().unwrap();
            assert_eq!((user.id, oldest), (owner, Some(organization)));
        }
        assert!(store.user(owner).await.unwrap().is_some());
        // `GET /v1/api-keys`, and one of them.
        let keys = store.api_keys_of(scope, owner).await.unwrap();
        assert_eq!(keys[0].1.as_ref().map(Vec::len), Some(1));
        let one = store.api_key(scope, owner, key.id).await.unwrap();
        assert_eq!(one.as_ref(), keys.first());
        // `GET /v1/tenants`, and one of them.
        let page = Page::first(20);
        let listed = store.organizations_of(owner, None, page).await.unwrap();
        assert_eq!((listed.items.len(), listed.total.counted()), (1, 1));
        assert!(store.organization(organization).await.unwrap().is_some());
        let member = store.scope_of_member(owner, organization).await.unwrap();
        assert!(member.is_some());
        // A part deep in a list reads many rows: that waits for a connection.
        let deep = Page {
            limit: 20,
            start: Start::Offset(Page::MAX_OFFSET),
        };
        assert!(store.organizations_of(owner, None, deep).await.is_err());
    }
}
