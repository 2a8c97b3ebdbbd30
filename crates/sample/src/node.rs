//! The rows of the tree: folders and documents, each with its path.
//!
//! Every query takes the organisation it is about. Paths are compared as whole texts and whole
//! segments, never with LIKE, which is blind to case on SQLite and has wildcards to escape.

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;
use vestibule_layer::model::{OrgScope, ResourcePath, Timestamp};

use crate::filter::Filter;
use crate::id::{self, Id};

/// What a node is.
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
    /// Whether it is one of the folders that every organisation has, which stay as they are.
    pub(crate) system_managed: bool,
    /// The text of a document; not read for lists.
    pub(crate) content: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

const COLUMNS: &str = "id, kind, parent_id, name, path, system_managed, created_at, updated_at";

fn node(row: &AnyRow) -> sqlx::Result<Node> {
    let parent: Option<String> = row.try_get("parent_id")?;
    Ok(Node {
        id: uuid(&row.try_get::<String, _>("id")?)?,
        kind: match row.try_get::<String, _>("kind")?.as_str() {
            "FOLDER" => Kind::Folder,
            _ => Kind::Document,
        },
        parent: parent.as_deref().map(uuid).transpose()?,
        name: row.try_get("name")?,
        path: path(&row.try_get::<String, _>("path")?)?,
        system_managed: row.try_get::<i64, _>("system_managed")? == 1,
        content: row.try_get("content")?,
        created_at: Timestamp::from_micros(row.try_get("created_at")?),
        updated_at: Timestamp::from_micros(row.try_get("updated_at")?),
    })
}

pub(crate) fn uuid(text: &str) -> sqlx::Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn path(text: &str) -> sqlx::Result<ResourcePath> {
    text.parse()
        .map_err(|error: vestibule_layer::model::Invalid| sqlx::Error::Decode(error.into()))
}

fn organization(scope: OrgScope) -> String {
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
    row.map(|row| uuid(&row.try_get::<String, _>("id")?))
        .transpose()
}

/// One page of the nodes that a filter lets through, by name, and how many those are.
pub(crate) async fn page(
    connection: &mut AnyConnection,
    scope: OrgScope,
    kind: Kind,
    mut filter: Filter,
    limit: u32,
    offset: u32,
) -> sqlx::Result<(Vec<Node>, i64)> {
    filter.and(&["organization_id = ", ""], &organization(scope));
    filter.and(&["kind = ", ""], kind.part_type());
    let count = format!(
        "SELECT COUNT(*) AS total FROM sample_node WHERE {}",
        filter.sql()
    );
    let total: i64 = filter
        .bind(sqlx::query::<Any>(AssertSqlSafe(count)))
        .fetch_one(&mut *connection)
        .await?
        .try_get("total")?;
    let next = filter.len() + 1;
    let rows = format!(
        "SELECT {COLUMNS}, NULL AS content FROM sample_node WHERE {} \
         ORDER BY name, id LIMIT ${next} OFFSET ${}",
        filter.sql(),
        next + 1
    );
    let rows = filter
        .bind(sqlx::query::<Any>(AssertSqlSafe(rows)))
        .bind(i64::from(limit))
        .bind(i64::from(offset))
        .fetch_all(connection)
        .await?;
    let nodes = rows.iter().map(node).collect::<sqlx::Result<_>>()?;
    Ok((nodes, total))
}

/// Adds a node, unless its path is taken; says whether it was added.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    scope: OrgScope,
    node: &Node,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO sample_node (id, organization_id, kind, parent_id, name, path, \
         system_managed, content, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
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
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Writes what can change of a node: its place, its name, its text and the time.
pub(crate) async fn update(
    connection: &mut AnyConnection,
    scope: OrgScope,
    node: &Node,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE sample_node SET parent_id = $3, name = $4, path = $5, content = $6, \
         updated_at = $7 WHERE organization_id = $1 AND id = $2",
    )
    .bind(organization(scope))
    .bind(node.id.to_string())
    .bind(node.parent.map(|id| id.to_string()))
    .bind(node.name.as_str())
    .bind(node.path.as_str())
    .bind(node.content.clone())
    .bind(node.updated_at.as_micros())
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

/// What every path below this one begins with.
fn below(path: &ResourcePath) -> String {
    match path.as_str() {
        "/" => "/".to_owned(),
        path => format!("{path}/"),
    }
}
