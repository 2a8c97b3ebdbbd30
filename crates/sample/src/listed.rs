//! What a console shows of the service, beside the API.

use vestibule_layer::model::Timestamp;
use vestibule_layer::{Permit, Problem};

use crate::Sample;
use crate::conversation::{self, Owner};
use crate::error::Error;
use crate::filter::Filter;
use crate::node::{self, Kind};

/// The most entries of a list.
const MOST: u32 = 100;

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedItem {
    /// What it is called.
    pub name: String,
    /// Where it lies, where it lies somewhere.
    pub path: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Sample {
    /// The documents that the caller may read, wherever they lie: a hundred at most.
    ///
    /// # Errors
    /// What the API would answer.
    pub async fn documents(&self, permit: &Permit) -> Result<Vec<ListedItem>, Problem> {
        self.read_documents(permit).await.map_err(Problem::from)
    }

    async fn read_documents(&self, permit: &Permit) -> Result<Vec<ListedItem>, Error> {
        self.prepare(permit).await?;
        let mut connection = self.database.read().await?;
        let visible = permit.visible();
        let filter = Filter::anywhere(&visible);
        let scope = permit.scope();
        let page = node::page(&mut connection, scope, Kind::Document, filter, MOST, 0);
        let (nodes, _) = page.await?;
        let listed = nodes.into_iter().map(|node| ListedItem {
            path: Some(node.path.to_string()),
            name: node.name,
            updated_at: node.updated_at,
        });
        Ok(listed.collect())
    }

    /// The caller's conversations with agents, the newest first: a hundred at most.
    ///
    /// # Errors
    /// What the API would answer.
    pub async fn conversations(&self, permit: &Permit) -> Result<Vec<ListedItem>, Problem> {
        self.read_conversations(permit).await.map_err(Problem::from)
    }

    async fn read_conversations(&self, permit: &Permit) -> Result<Vec<ListedItem>, Error> {
        let owner = Owner {
            scope: permit.scope(),
            user: permit.user_id(),
        };
        let mut connection = self.database.read().await?;
        let found = conversation::newest(&mut connection, owner, i64::from(MOST)).await?;
        let listed = found.into_iter().map(|conversation| ListedItem {
            name: conversation.title,
            path: None,
            updated_at: conversation.updated_at,
        });
        Ok(listed.collect())
    }
}
