//! What may be done with the tree: each step asks the permit about the path it touches.
//!
//! What the caller may not read is a 403 with its cause, as long as it belongs to the caller's
//! organisation; everything else that is not there is a 404.

use uuid::Uuid;
use vestibule_layer::model::{Capability, ResourcePath};
use vestibule_layer::{Permit, Problem};

use crate::error::{self, Result};
use crate::filter::Filter;
use crate::guard::{allowed, changeable, child, fits, system_managed};
use crate::list::Part;
use crate::node::{self, Kind, Node};
use crate::outbox;
use crate::page::page;
use crate::state::App;
use crate::system_folder::users;
use crate::version::{DocumentType, Facts, Origin};

/// The changes of a PATCH; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    /// The folder to move to; the root where the inner option is empty.
    #[expect(
        clippy::option_option,
        reason = "no move, to the root, or to a folder: three things"
    )]
    pub(crate) parent: Option<Option<Uuid>>,
    pub(crate) content: Option<String>,
    pub(crate) exclude_from_qdrant: Option<bool>,
    /// The version that is to hold: only the one that does.
    pub(crate) active_version: Option<Uuid>,
}

/// The node that a POST creates.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) parent: Option<Uuid>,
    /// The facts and the text of a document; `None` for a folder.
    pub(crate) document: Option<NewText>,
}

/// The part of a new node that makes it a document.
#[derive(Debug)]
pub(crate) struct NewText {
    pub(crate) document_type: DocumentType,
    pub(crate) origin: Origin,
    pub(crate) content: String,
}

/// The place of a node: below a folder, or at the root.
struct Place {
    id: Option<Uuid>,
    path: ResourcePath,
}

impl App {
    /// One page of what the caller may see: the folders or documents of a folder; without one, the
    /// folders at the root, or the documents anywhere.
    pub(crate) async fn list(
        &self,
        permit: &Permit,
        kind: Kind,
        parent: Option<Uuid>,
        part: Part,
    ) -> Result<(Vec<Node>, i64)> {
        self.sample.prepare(permit).await?;
        let scope = permit.scope();
        let visible = permit.visible();
        let mut connection = self.sample.database.read().await?;
        let filter = match (parent, kind) {
            (Some(id), _) => {
                let folder = node::find(&mut connection, scope, Kind::Folder, id)
                    .await?
                    .ok_or_else(|| Problem::not_found(Kind::Folder.noun()))?;
                // A folder that only leads down cannot be opened, but can be walked through.
                if !visible.leads_down_from(&folder.path) {
                    allowed(permit, &folder, Capability::ReadOnly)?;
                }
                Filter::children(kind, id, &folder.path, &visible)
            }
            (None, Kind::Folder) => Filter::roots(&users(), permit.home(), &visible),
            (None, Kind::Document) => Filter::anywhere(&visible),
        };
        Ok(page(&mut connection, scope, kind, filter, part).await?)
    }

    /// One node, which the caller may read.
    pub(crate) async fn get(&self, permit: &Permit, kind: Kind, id: Uuid) -> Result<Node> {
        self.sample.prepare(permit).await?;
        let mut connection = self.sample.database.read().await?;
        let node = node::find(&mut connection, permit.scope(), kind, id)
            .await?
            .ok_or_else(|| Problem::not_found(kind.noun()))?;
        allowed(permit, &node, Capability::ReadOnly)?;
        Ok(node)
    }

    /// Creates a node in a folder that the caller may write. Grants that stand on its path already
    /// are not for it, and end: 409 where the caller could not revoke them.
    pub(crate) async fn create(&self, permit: &Permit, new: New) -> Result<Node> {
        self.sample.prepare(permit).await?;
        let scope = permit.scope();
        let mut transaction = self.change_tree(permit).await?;
        let place = place(&mut transaction, permit, new.parent).await?;
        let path = child(&place.path, &new.name)?;
        let node = match new.document {
            None => self.sample.node(Kind::Folder, place.id, path),
            Some(new) => Node {
                facts: Facts {
                    document_type: new.document_type,
                    origin: new.origin,
                    ..self.sample.facts(Some(permit.user_id()))
                },
                content: Some(new.content),
                ..self.sample.node(Kind::Document, place.id, path)
            },
        };
        if !node::insert(&mut transaction, scope, &node).await? {
            return Err(error::name_taken().into());
        }
        let place = permit.may(&node.path, Capability::ReadWrite)?;
        self.changes.created(place).await?;
        transaction.commit().await?;
        Ok(node)
    }

    /// Renames, moves or rewrites a node. The grants on it move with it; what [`create`](Self::create)
    /// says of grants holds for its new path, too.
    pub(crate) async fn change(
        &self,
        permit: &Permit,
        kind: Kind,
        id: Uuid,
        change: Change,
    ) -> Result<Node> {
        self.sample.prepare(permit).await?;
        let scope = permit.scope();
        let mut transaction = self.change_tree(permit).await?;
        let before = node::find(&mut transaction, scope, kind, id)
            .await?
            .ok_or_else(|| Problem::not_found(kind.noun()))?;
        let moved = allowed(permit, &before, Capability::ReadWrite)?;

        let mut after = before.clone();
        let now = self.sample.clock.now();
        let version = before.facts.version;
        if change.active_version.is_some_and(|id| id != version.id) {
            return Err(Problem::not_found("document version").into());
        }
        if change.content.is_some() && change.content != before.content {
            after.facts.version = version.next(self.sample.mint(), permit.user_id(), now);
            after.content = change.content;
        }
        if let Some(exclude) = change.exclude_from_qdrant {
            changeable(&before)?;
            after.exclude_from_qdrant = exclude;
        }
        if let Some(name) = change.name {
            after.name = name;
        }
        let above = match change.parent {
            Some(parent) if parent != before.parent => {
                let place = place(&mut transaction, permit, parent).await?;
                if before.path.covers(&place.path) {
                    return Err(error::refused(
                        "parent_path_part_id",
                        "cycle",
                        "must not be the folder itself or lie below it",
                    )
                    .into());
                }
                after.parent = place.id;
                place.path
            }
            _ => parent_of(&before.path),
        };
        if after.parent != before.parent || after.name != before.name {
            changeable(&before)?;
            // Another name in a folder, or another place outside of it, changes the folder, too. Its
            // path stands in that of the node, which the caller may read.
            permit.may(&parent_of(&before.path), Capability::ReadWrite)?;
            after.path = child(&above, &after.name)?;
            if permit.home().covers(&after.path) && !permit.home().covers(&before.path) {
                // There the mover alone decides, and those with grants where it was lose it: that
                // is a deletion to them.
                allowed(permit, &before, Capability::ReadWriteDelete)?;
            }
            let field = if after.parent == before.parent {
                "name"
            } else {
                "parent_path_part_id"
            };
            fits(&mut transaction, permit, field, &before.path, &after.path).await?;
            if node::at(&mut transaction, scope, &after.path)
                .await?
                .is_some()
            {
                return Err(error::name_taken().into());
            }
        }
        after.updated_at = now;
        node::update(&mut transaction, scope, &after).await?;
        if after.path == before.path {
            transaction.commit().await?;
            return Ok(after);
        }
        node::rebase(&mut transaction, scope, &before.path, &after.path).await?;
        // Last, since it refuses what the permit cannot tell.
        let id = self.changes.moving(moved, &after.path).await?;
        outbox::insert(&mut transaction, scope, id).await?;
        transaction.commit().await?;
        self.follow(id).await;
        Ok(after)
    }

    /// Removes a node and, with a folder, all below it: whoever may delete a folder may delete
    /// what it holds. The grants on all that end with it.
    pub(crate) async fn remove(&self, permit: &Permit, kind: Kind, id: Uuid) -> Result<()> {
        self.sample.prepare(permit).await?;
        let scope = permit.scope();
        let mut transaction = self.change_tree(permit).await?;
        let node = node::find(&mut transaction, scope, kind, id)
            .await?
            .ok_or_else(|| Problem::not_found(kind.noun()))?;
        let removed = allowed(permit, &node, Capability::ReadWriteDelete)?;
        changeable(&node)?;
        node::delete(&mut transaction, scope, id).await?;
        let change = self.changes.removing(removed).await?;
        outbox::insert(&mut transaction, scope, change).await?;
        transaction.commit().await?;
        self.follow(change).await;
        Ok(())
    }
}

/// The path of the folder that something lies in.
fn parent_of(path: &ResourcePath) -> ResourcePath {
    path.parent().unwrap_or_else(ResourcePath::root)
}

/// The folder to hang something in, which the caller may write.
async fn place(
    connection: &mut sqlx::AnyConnection,
    permit: &Permit,
    parent: Option<Uuid>,
) -> Result<Place> {
    let path = if let Some(id) = parent {
        let folder = node::find(connection, permit.scope(), Kind::Folder, id)
            .await?
            .ok_or_else(|| Problem::not_found(Kind::Folder.noun()))?;
        allowed(permit, &folder, Capability::ReadWrite)?;
        folder.path
    } else {
        let root = ResourcePath::root();
        permit.may(&root, Capability::ReadWrite)?;
        root
    };
    if path == users() {
        // Else an administrator could take the place of a home that is still to be made.
        return Err(system_managed("Only the members' own folders hang here.").into());
    }
    Ok(Place { id: parent, path })
}
