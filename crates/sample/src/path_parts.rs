//! Which folder or document stands where, for clients that name a grant's place by its id.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use sqlx::{Any, AssertSqlSafe};
use vestibule_layer::model::{OrgScope, ResourcePath};
use vestibule_layer::{PathParts, Permit, Problem};

use crate::Sample;
use crate::error::{self, Result};
use crate::filter::Filter;
use crate::id::{Document, Folder, Id};
use crate::node::{self, Kind};

impl PathParts for Sample {
    fn path_of<'a>(
        &'a self,
        permit: &'a Permit,
        id: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Option<ResourcePath>, Problem>> {
        Box::pin(async move { Ok(self.find_path(permit.scope(), id).await?) })
    }

    fn ids_of<'a>(
        &'a self,
        permit: &'a Permit,
        paths: &'a [ResourcePath],
    ) -> BoxFuture<'a, std::result::Result<Vec<Option<String>>, Problem>> {
        Box::pin(async move { Ok(self.find_ids(permit.scope(), paths).await?) })
    }
}

impl Sample {
    async fn find_path(&self, scope: OrgScope, text: &str) -> Result<Option<ResourcePath>> {
        // A UUID may be either's; a prefix says which.
        let possible = [
            (Kind::Folder, text.parse::<Id<Folder>>().map(Id::uuid)),
            (Kind::Document, text.parse::<Id<Document>>().map(Id::uuid)),
        ];
        if possible.iter().all(|(_, id)| id.is_err()) {
            return Err(error::refused(
                "path_part_id",
                "invalid_id",
                "must be the id of a folder or document, or its UUID",
            )
            .into());
        }
        let mut connection = self.database.read().await?;
        for (kind, id) in possible {
            let Ok(id) = id else { continue };
            if let Some(node) = node::find(&mut connection, scope, kind, id).await? {
                return Ok(Some(node.path));
            }
        }
        Ok(None)
    }

    async fn find_ids(
        &self,
        scope: OrgScope,
        paths: &[ResourcePath],
    ) -> Result<Vec<Option<String>>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut filter = Filter::default();
        filter.and(&["organization_id = ", ""], &node::organization(scope));
        filter.and_any_path(paths);
        let sql = format!(
            "SELECT {}, NULL AS content FROM sample_node WHERE {}",
            node::COLUMNS,
            filter.sql()
        );
        let mut connection = self.database.read().await?;
        let rows = filter
            .bind(sqlx::query::<Any>(AssertSqlSafe(sql)))
            .fetch_all(&mut *connection)
            .await?;
        let mut found = HashMap::new();
        for row in &rows {
            let node = node::node(row)?;
            found.insert(node.path, node.kind.id(node.id));
        }
        Ok(paths.iter().map(|path| found.get(path).cloned()).collect())
    }
}
