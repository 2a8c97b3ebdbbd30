//! The rows of the tree: folders and documents, each with its path.
//!
//! Every query takes the organisation it is about. Paths are compared as whole texts and whole
//! segments, never with LIKE, which is blind to case on SQLite and has wildcards to escape.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;
use vestibule_layer::model::{Invalid, OrgScope, ResourcePath, Timestamp};

use crate::id::{self, Id};
use crate::version::Facts;

/// The kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    Document,
}

impl Kind {
    /// As the store and the answers have it.
    pub(crate) const fn part_type(self) -> &'static str {
        match self {
            Self::Folder => "FOLDER",
            Self::Document => "DOCUMENT",
        }
    }

    /// Reads what [`part_type`](Self::part_type) wrote. A text that it never writes is an error: it
    /// comes from a newer version, and taken for a document it would be served as one.
    fn stored(text: &str) -> sqlx::Result<Self> {
        [Self::Folder, Self::Document]
            .into_iter()
            .find(|kind| kind.part_type() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown kind of node `{text}`").into()))
    }

    /// The text of an id of this kind.
    pub(crate) fn id(self, id: Uuid) -> String {
        match self {
            Self::Folder => Id::<id::Folder>::from_uuid(id).to_string(),
            Self::Document => Id::<id::Document>::from_uuid(id).to_string(),
        }
    }

    /// As people say it.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Document => "document",
        }
    }
}

/// A folder or a document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) parent: Option<Uuid>,
    pub(crate) name: String,
    pub(crate) path: ResourcePath,
    /// True if it is one of the folders that every organisation has, which stay as they are.
    pub(crate) system_managed: bool,
    /// The text of a document; not read for lists.
    pub(crate) content: Option<String>,
    /// True if the client wants it left out of search, of which this service has none.
    pub(crate) exclude_from_qdrant: bool,
    /// The facts about a document; of a folder it means nothing, and is not stored.
    pub(crate) facts: Facts,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Node {
    fn stored_facts(&self) -> Option<&Facts> {
        (self.kind == Kind::Document).then_some(&self.facts)
    }
}

/// All columns but the text.
pub(crate) const COLUMNS: &str = "id, kind, parent_id, name, path, system_managed, \
    document_type, document_origin, exclude_from_qdrant, version, version_id, version_made_by, \
    version_created_at, created_at, updated_at";

/// Reads a row of [`COLUMNS`] and `content`.
pub(crate) fn node(row: &AnyRow) -> sqlx::Result<Node> {
    let parent: Option<String> = row.try_get("parent_id")?;
    Ok(Node {
        id: id::uuid(&row.try_get::<String, _>("id")?)?,
        kind: Kind::stored(&row.try_get::<String, _>("kind")?)?,
        parent: parent.as_deref().map(id::uuid).transpose()?,
        name: row.try_get("name")?,
        path: path(&row.try_get::<String, _>("path")?)?,
        system_managed: row.try_get::<i64, _>("system_managed")? == 1,
        content: row.try_get("content")?,
        exclude_from_qdrant: row.try_get::<i64, _>("exclude_from_qdrant")? == 1,
        facts: Facts::read(row)?,
        created_at: Timestamp::from_micros(row.try_get("created_at")?),
        updated_at: Timestamp::from_micros(row.try_get("updated_at")?),
    })
}

fn path(text: &str) -> sqlx::Result<ResourcePath> {
    text.parse()
        .map_err(|error: Invalid| sqlx::Error::Decode(error.into()))
}

/// The organisation as rows name it.
pub(crate) fn organization(scope: OrgScope) -> String {
    scope.organization_id().uuid().to_string()
}

/// Makes the organisation known and holds its row until the transaction ends: changes of one tree
/// happen one after the other.
pub(crate) async fn lock(connection: &mut AnyConnection, scope: OrgScope) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sample_organization (id) VALUES ($1) \
         ON CONFLICT (id) DO UPDATE SET id = excluded.id",
    )
    .bind(organization(scope))
    .execute(connection)
    .await?;
    Ok(())
}

/// The node with this id.
pub(crate) async fn find(
    connection: &mut AnyConnection,
    scope: OrgScope,
    kind: Kind,
    id: Uuid,
) -> sqlx::Result<Option<Node>> {
    let sql = format!(
        "SELECT {COLUMNS}, content FROM sample_node \
         WHERE organization_id = $1 AND kind = $2 AND id = $3"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(organization(scope))
        .bind(kind.part_type())
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(node).transpose()
}

/// The id of the node at a path.
pub(crate) async fn at(
    connection: &mut AnyConnection,
    scope: OrgScope,
    path: &ResourcePath,
) -> sqlx::Result<Option<Uuid>> {
    let row = sqlx::query("SELECT id FROM sample_node WHERE organization_id = $1 AND path = $2")
        .bind(organization(scope))
        .bind(path.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| id::uuid(&row.try_get::<String, _>("id")?))
        .transpose()
}

/// Adds a node, unless its path is taken; says whether it was added.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    scope: OrgScope,
    node: &Node,
) -> sqlx::Result<bool> {
    let facts = node.stored_facts();
    let inserted = sqlx::query(
        "INSERT INTO sample_node (id, organization_id, kind, parent_id, name, path, \
         system_managed, content, created_at, updated_at, exclude_from_qdrant, document_type, \
         document_origin, version, version_id, version_made_by, version_created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         ON CONFLICT (organization_id, path) DO NOTHING",
    )
    .bind(node.id.to_string())
    .bind(organization(scope))
    .bind(node.kind.part_type())
    .bind(node.parent.map(|id| id.to_string()))
    .bind(node.name.as_str())
    .bind(node.path.as_str())
    .bind(i64::from(node.system_managed))
    .bind(node.content.clone())
    .bind(node.created_at.as_micros())
    .bind(node.updated_at.as_micros())
    .bind(i64::from(node.exclude_from_qdrant))
    .bind(facts.map(|facts| facts.document_type.as_str().to_owned()))
    .bind(facts.map(|facts| facts.origin.as_str()))
    .bind(facts.map_or(1, |facts| facts.version.number))
    .bind(facts.map(|facts| facts.version.id.to_string()))
    .bind(facts.and_then(|facts| facts.version.made_by.map(|user| user.to_string())))
    .bind(facts.map(|facts| facts.version.created_at.as_micros()))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Writes what can change of a node: its place, its name, its text with its version, and the time.
pub(crate) async fn update(
    connection: &mut AnyConnection,
    scope: OrgScope,
    node: &Node,
) -> sqlx::Result<()> {
    let version = node.stored_facts().map(|facts| facts.version);
    sqlx::query(
        "UPDATE sample_node SET parent_id = $3, name = $4, path = $5, content = $6, \
         updated_at = $7, exclude_from_qdrant = $8, version = $9, version_id = $10, \
         version_made_by = $11, version_created_at = $12 \
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(organization(scope))
    .bind(node.id.to_string())
    .bind(node.parent.map(|id| id.to_string()))
    .bind(node.name.as_str())
    .bind(node.path.as_str())
    .bind(node.content.clone())
    .bind(node.updated_at.as_micros())
    .bind(i64::from(node.exclude_from_qdrant))
    .bind(version.map_or(1, |version| version.number))
    .bind(version.map(|version| version.id.to_string()))
    .bind(version.and_then(|version| version.made_by.map(|user| user.to_string())))
    .bind(version.map(|version| version.created_at.as_micros()))
    .execute(connection)
    .await?;
    Ok(())
}

/// The length in bytes of the longest path below `path`; 0 where nothing lies below.
pub(crate) async fn longest_below(
    connection: &mut AnyConnection,
    scope: OrgScope,
    path: &ResourcePath,
) -> sqlx::Result<usize> {
    let longest: i64 = sqlx::query(
        "SELECT CAST(COALESCE(MAX(OCTET_LENGTH(path)), 0) AS BIGINT) AS longest \
         FROM sample_node WHERE organization_id = $1 \
         AND SUBSTR(path, 1, LENGTH($2)) = $2",
    )
    .bind(organization(scope))
    .bind(below(path))
    .fetch_one(connection)
    .await?
    .try_get("longest")?;
    Ok(usize::try_from(longest).unwrap_or(0))
}

/// Gives everything below `from` its path below `to`.
pub(crate) async fn rebase(
    connection: &mut AnyConnection,
    scope: OrgScope,
    from: &ResourcePath,
    to: &ResourcePath,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE sample_node SET path = $3 || SUBSTR(path, LENGTH($2) + 1) \
         WHERE organization_id = $1 AND SUBSTR(path, 1, LENGTH($2)) = $2",
    )
    .bind(organization(scope))
    .bind(below(from))
    .bind(below(to))
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a node and all below it.
pub(crate) async fn delete(
    connection: &mut AnyConnection,
    scope: OrgScope,
    id: Uuid,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sample_node WHERE organization_id = $1 AND id = $2")
        .bind(organization(scope))
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the prefix of every path below this one.
fn below(path: &ResourcePath) -> String {
    match path.as_str() {
        "/" => "/".to_owned(),
        path => format!("{path}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_an_unknown_kind_is_an_error_and_no_document() {
        for kind in [Kind::Folder, Kind::Document] {
            assert_eq!(Kind::stored(kind.part_type()).unwrap(), kind);
        }
        for unknown in ["LINK", "folder", ""] {
            let error = Kind::stored(unknown).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("unknown kind of node `{unknown}`")),
                "{error}"
            );
        }
    }
}
