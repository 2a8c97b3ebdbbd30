//! What a console shows of the service, beside the API.

use vestibule_layer::model::Timestamp;
use vestibule_layer::{Permit, Problem};

use crate::Sample;
use crate::conversation::{self, Owner};
use crate::error::Error;
use crate::filter::Filter;
use crate::list::Part;
use crate::node::Kind;
use crate::page::page;

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedItem {
    /// Its name.
    pub name: String,
    /// Its path, if it has one.
    pub path: Option<String>,
    /// The time of its last change.
    pub updated_at: Timestamp,
}

impl Sample {
    /// The documents that the caller may read, wherever they lie: `limit` of them after the first
    /// `offset`; and how many there are.
    ///
    /// # Errors
    /// What the API would answer.
    pub async fn documents(
        &self,
        permit: &Permit,
        (limit, offset): (u32, u32),
    ) -> Result<(Vec<ListedItem>, u64), Problem> {
        let read = self.read_documents(permit, limit, offset).await;
        read.map_err(Problem::from)
    }

    async fn read_documents(
        &self,
        permit: &Permit,
        limit: u32,
        offset: u32,
    ) -> Result<(Vec<ListedItem>, u64), Error> {
        self.prepare(permit).await?;
        let mut connection = self.database.read().await?;
        let visible = permit.visible();
        let filter = Filter::anywhere(&visible);
        let scope = permit.scope();
        let kind = Kind::Document;
        let part = Part::first(limit, offset);
        let (nodes, total) = page(&mut connection, scope, kind, filter, part).await?;
        let listed = nodes.into_iter().map(|node| ListedItem {
            path: Some(node.path.to_string()),
            name: node.name,
            updated_at: node.updated_at,
        });
        Ok((listed.collect(), u64::try_from(total).unwrap_or_default()))
    }

    /// The caller's conversations with agents, the last used first: `limit` of them after the
    /// first `offset`; and how many there are.
    ///
    /// # Errors
    /// What the API would answer.
    pub async fn conversations(
        &self,
        permit: &Permit,
        (limit, offset): (u32, u32),
    ) -> Result<(Vec<ListedItem>, u64), Problem> {
        let read = self.read_conversations(permit, limit, offset).await;
        read.map_err(Problem::from)
    }

    async fn read_conversations(
        &self,
        permit: &Permit,
        limit: u32,
        offset: u32,
    ) -> Result<(Vec<ListedItem>, u64), Error> {
        let owner = Owner {
            scope: permit.scope(),
            user: permit.user_id(),
        };
        let mut connection = self.database.read().await?;
        let total = conversation::count(&mut connection, owner).await?;
        let (limit, offset) = (i64::from(limit), i64::from(offset));
        let found = conversation::newest(&mut connection, owner, limit, offset).await?;
        let listed = found.into_iter().map(|conversation| ListedItem {
            name: conversation.title,
            path: None,
            updated_at: conversation.updated_at,
        });
        Ok((listed.collect(), u64::try_from(total).unwrap_or_default()))
    }
}
