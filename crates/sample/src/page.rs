//! Pages of the tree's rows.

use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use vestibule_layer::SortDirection;
use vestibule_layer::model::OrgScope;

use crate::filter::Filter;
use crate::list::{Part, PathOrder};
use crate::node::{self, Kind, Node};

/// One page of the nodes that a filter lets through, without their texts, and how many those are.
pub(crate) async fn page(
    connection: &mut AnyConnection,
    scope: OrgScope,
    kind: Kind,
    mut filter: Filter,
    part: Part,
) -> sqlx::Result<(Vec<Node>, i64)> {
    filter.and(&["organization_id = ", ""], &node::organization(scope));
    filter.and(&["kind = ", ""], kind.part_type());
    filter.and_within("created_at", part.created);
    filter.and_within("updated_at", part.updated);
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
        "SELECT {}, NULL AS content FROM sample_node WHERE {} \
         ORDER BY {} LIMIT ${next} OFFSET ${}",
        node::COLUMNS,
        filter.sql(),
        order(part),
        next + 1
    );
    let rows = filter
        .bind(sqlx::query::<Any>(AssertSqlSafe(rows)))
        .bind(i64::from(part.limit))
        .bind(i64::from(part.offset))
        .fetch_all(connection)
        .await?;
    let nodes = rows.iter().map(node::node).collect::<sqlx::Result<_>>()?;
    Ok((nodes, total))
}

/// Ids decide where the rest is equal, so that no page repeats what another has.
const fn order(part: Part) -> &'static str {
    match (part.order, part.direction) {
        (PathOrder::Logical | PathOrder::Name, SortDirection::Asc) => "name, id",
        (PathOrder::Logical | PathOrder::Name, SortDirection::Desc) => "name DESC, id DESC",
        (PathOrder::CreatedAt, SortDirection::Asc) => "created_at, id",
        (PathOrder::CreatedAt, SortDirection::Desc) => "created_at DESC, id DESC",
        (PathOrder::UpdatedAt, SortDirection::Asc) => "updated_at, id",
        (PathOrder::UpdatedAt, SortDirection::Desc) => "updated_at DESC, id DESC",
    }
}
