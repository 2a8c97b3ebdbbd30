//! Changes of the tree that the grants have yet to follow.
//!
//! A row is written in the transaction that moves or deletes a node, and removed once the grants
//! have followed. Whoever changes a tree lets the grants of its rows follow first, under the tree's
//! lock: so nothing new comes to a path on which grants of what was there still stand.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Any, AnyConnection, Row as _, Transaction};
use vestibule_layer::model::{Invalid, OrgScope, ResourceChangeId};
use vestibule_layer::{Permit, ResourceChanges};

use crate::Sample;
use crate::error::{Error, Result};
use crate::node::{self, organization};
use crate::state::App;

/// The interval at which rows are looked for whose request could not finish them.
const INTERVAL: Duration = Duration::from_secs(1);

/// The number of rows that one look finishes.
const BATCH: i64 = 100;

/// Adds a row, in the transaction of the change that it is about.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    scope: OrgScope,
    id: ResourceChangeId,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO sample_outbox (id, organization_id) VALUES ($1, $2)")
        .bind(id.to_string())
        .bind(organization(scope))
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete(connection: &mut AnyConnection, id: ResourceChangeId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sample_outbox WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn of_organization(
    connection: &mut AnyConnection,
    scope: OrgScope,
) -> sqlx::Result<Vec<ResourceChangeId>> {
    let rows = sqlx::query("SELECT id FROM sample_outbox WHERE organization_id = $1 ORDER BY id")
        .bind(organization(scope))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &sqlx::any::AnyRow) -> sqlx::Result<ResourceChangeId> {
    let text: String = row.try_get("id")?;
    text.parse()
        .map_err(|error: Invalid| sqlx::Error::Decode(error.into()))
}

impl App {
    /// Begins to change the tree of the caller's organisation: nobody else does meanwhile, and the
    /// grants have followed every change before.
    pub(crate) async fn change_tree(&self, permit: &Permit) -> Result<Transaction<'static, Any>> {
        let scope = permit.scope();
        let mut transaction = self.sample.database.write().await?;
        node::lock(&mut transaction, scope).await?;
        for id in of_organization(&mut transaction, scope).await? {
            self.changes.follow(id).await?;
            // Should this be rolled back, the grants have followed all the same, and the row goes
            // next time.
            delete(&mut transaction, id).await?;
        }
        Ok(transaction)
    }

    /// Lets the grants follow a change that is stored. If they cannot now, they will: the change
    /// itself is done.
    pub(crate) async fn follow(&self, id: ResourceChangeId) {
        if let Err(error) = self.sample.finish(&*self.changes, id).await {
            warn(id, &error);
        }
    }
}

impl Sample {
    /// Lets the grants follow every change that is stored and that they have not followed, as it is
    /// after a crash. What cannot be finished now is tried again by
    /// [`run_outbox`](Self::run_outbox).
    pub async fn finish_outbox(&self, changes: &dyn ResourceChanges) {
        let left = match self.left_in_outbox().await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "the sample's outbox cannot be read now");
                return;
            }
        };
        for id in left {
            if let Err(error) = self.finish(changes, id).await {
                warn(id, &error);
            }
        }
    }

    /// Finishes what is left in the outbox every so often, until `shutdown` is ready.
    pub async fn run_outbox(
        &self,
        changes: Arc<dyn ResourceChanges>,
        shutdown: impl Future<Output = ()>,
    ) {
        let finish = async {
            loop {
                tokio::time::sleep(INTERVAL).await;
                self.finish_outbox(&*changes).await;
            }
        };
        tokio::select! {
            () = shutdown => {}
            () = finish => {}
        }
    }

    async fn left_in_outbox(&self) -> sqlx::Result<Vec<ResourceChangeId>> {
        let mut connection = self.database.read().await?;
        let rows = sqlx::query("SELECT id FROM sample_outbox ORDER BY id LIMIT $1")
            .bind(BATCH)
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(read).collect()
    }

    async fn finish(&self, changes: &dyn ResourceChanges, id: ResourceChangeId) -> Result<()> {
        changes.follow(id).await?;
        let mut transaction = self.database.write().await?;
        delete(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn warn(id: ResourceChangeId, error: &Error) {
    tracing::warn!(change = %id, ?error, "grants cannot follow their resource now; it is tried again");
}
