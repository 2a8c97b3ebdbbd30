//! What every handler is given.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::AnyConnection;
use uuid::Uuid;
use vestibule_layer::model::{OrgScope, OrganizationId, ResourcePath, UserId};
use vestibule_layer::{Permit, ResourceChanges};

use crate::error::Result;
use crate::id::Id;
use crate::node::{self, Kind, Node};
use crate::version::{DocumentType, Facts, Origin, Version};
use crate::{Sample, id, system_folder};

/// The state of the routes. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) sample: Sample,
    pub(crate) changes: Arc<dyn ResourceChanges>,
}

/// The organisations whose folders are known to exist, so that most requests need not look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared(Arc<Mutex<HashSet<(OrganizationId, UserId)>>>);

impl Prepared {
    /// The most that are remembered before all are forgotten: a look is cheap, memory is bounded.
    const MOST: usize = 100_000;

    fn contains(&self, key: (OrganizationId, UserId)) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&key)
    }

    fn insert(&self, key: (OrganizationId, UserId)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(key);
    }
}

impl Sample {
    /// Makes sure that the organisation has its `/shared` and `/users`, and the caller a home.
    pub(crate) async fn prepare(&self, permit: &Permit) -> Result<()> {
        let key = (permit.organization_id(), permit.user_id());
        if self.prepared.contains(key) {
            return Ok(());
        }
        let scope = permit.scope();
        let mut connection = self.database.read().await?;
        let home = node::at(&mut connection, scope, permit.home()).await?;
        drop(connection);
        if home.is_none() {
            let mut transaction = self.database.write().await?;
            node::lock(&mut transaction, scope).await?;
            self.system_folders(&mut transaction, scope, permit.user_id())
                .await?;
            transaction.commit().await?;
        }
        self.prepared.insert(key);
        Ok(())
    }

    /// Makes the folders that every organisation has, and a member's home, where they are missing.
    /// Gives the ids of `/shared` and of the home.
    pub(crate) async fn system_folders(
        &self,
        connection: &mut AnyConnection,
        scope: OrgScope,
        user: UserId,
    ) -> sqlx::Result<(Uuid, Uuid)> {
        let shared = self
            .ensure(
                connection,
                scope,
                self.system(None, system_folder::shared()),
            )
            .await?;
        let users = self
            .ensure(connection, scope, self.system(None, system_folder::users()))
            .await?;
        let home = self.system(Some(users), ResourcePath::home_of(user));
        let home = self.ensure(connection, scope, home).await?;
        Ok((shared, home))
    }

    /// Adds a node where its path is free. Gives the id of what is there afterwards.
    pub(crate) async fn ensure(
        &self,
        connection: &mut AnyConnection,
        scope: OrgScope,
        node: Node,
    ) -> sqlx::Result<Uuid> {
        if let Some(id) = node::at(connection, scope, &node.path).await? {
            return Ok(id);
        }
        node::insert(connection, scope, &node).await?;
        Ok(node.id)
    }

    fn system(&self, parent: Option<Uuid>, path: ResourcePath) -> Node {
        Node {
            system_managed: true,
            ..self.node(Kind::Folder, parent, path)
        }
    }

    /// A new node at a path, below a parent whose path is the one above.
    pub(crate) fn node(&self, kind: Kind, parent: Option<Uuid>, path: ResourcePath) -> Node {
        let now = self.clock.now();
        Node {
            id: self.mint(),
            kind,
            parent,
            name: path
                .as_str()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            path,
            system_managed: false,
            content: None,
            exclude_from_qdrant: false,
            facts: self.facts(None),
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the facts of a new document if nothing else is said of it: in its first version.
    pub(crate) fn facts(&self, made_by: Option<UserId>) -> Facts {
        Facts {
            document_type: DocumentType::default(),
            origin: Origin::default(),
            version: Version {
                id: self.mint(),
                number: 1,
                made_by,
                created_at: self.clock.now(),
            },
        }
    }

    /// A new id.
    pub(crate) fn mint(&self) -> Uuid {
        Id::<id::Folder>::mint(&*self.clock, &*self.entropy).uuid()
    }
}
