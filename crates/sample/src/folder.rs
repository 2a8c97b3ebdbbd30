//! `/v1/folders`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_layer::model::Timestamp;
use vestibule_layer::{Fields, Json, PathId, Permit, Query, Rule};

use crate::Documented;
use crate::error::Result;
use crate::id::{self, Id};
use crate::list::{ItemQuery, ListQuery};
use crate::node::{Kind, Node};
use crate::parts::{Page, PartFields as _, Permissions, uninterrupted};
use crate::refusals::BearerRefusals;
use crate::state::App;
use crate::tree::{Change, New};

/// A folder, as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Folder {
    /// Always `FOLDER`.
    part_type: &'static str,
    /// The folder's id.
    #[schema(example = "folder_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: String,
    /// The same id.
    path_part_id: String,
    /// Its name; the caller's own home is called `Private`.
    name: String,
    /// The folder it lies in; null at the root.
    parent_path_part_id: Option<String>,
    /// Its path, as grants name it.
    #[schema(example = "/shared/eng")]
    materialized_path: String,
    /// True if every organisation has this folder, so that it stays as it is.
    system_managed: bool,
    /// Always `not_required`: folders of this service need no approval.
    approval_state: &'static str,
    /// True if the client wants it left out of search. It is kept for the client: this service has
    /// no search.
    exclude_from_qdrant: bool,
    /// Always empty: this service has no tags.
    #[schema(value_type = Vec<Object>, max_items = 0)]
    tags: [(); 0],
    /// The organisation it belongs to.
    tenant_id: String,
    /// The time of its creation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The time of its last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The caller's rights on it.
    permissions: Permissions,
}

impl Folder {
    fn new(permit: &Permit, node: Node) -> Self {
        let id = Id::<id::Folder>::from_uuid(node.id).to_string();
        let name = if node.path == *permit.home() {
            "Private".to_owned()
        } else {
            node.name
        };
        Self {
            part_type: Kind::Folder.part_type(),
            path_part_id: id.clone(),
            id,
            name,
            parent_path_part_id: node
                .parent
                .map(|parent| Id::<id::Folder>::from_uuid(parent).to_string()),
            permissions: Permissions::of(permit, &node.path),
            materialized_path: node.path.to_string(),
            system_managed: node.system_managed,
            approval_state: "not_required",
            exclude_from_qdrant: node.exclude_from_qdrant,
            tags: [],
            tenant_id: permit.organization_id().to_string(),
            created_at: node.created_at,
            updated_at: node.updated_at,
        }
    }
}

/// A folder to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFolder {
    /// 1 to 255 characters, without slashes.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// The folder to make it in; the root where left out.
    parent_path_part_id: Option<String>,
}

/// A change of a folder; what is left out, or null, stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FolderChange)]
pub(crate) struct FolderChange {
    /// The new name.
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// The folder to move it to; an empty text moves it to the root.
    parent_path_part_id: Option<String>,
    /// True to leave it out of search.
    exclude_from_qdrant: Option<bool>,
}

pub(crate) fn documented() -> Documented {
    let rule = Rule::signed_in();
    Documented::bearer()
        .add(rule.clone(), routes!(list_folders))
        .add(rule.clone(), routes!(create_folder))
        .add(rule.clone(), routes!(get_folder))
        .add(rule.clone(), routes!(change_folder))
        .add(rule.clone(), routes!(delete_folder))
}

/// List folders
///
/// Lists the folders that the caller may read, and those that lead to them, in one folder or at
/// the root. At the root the caller's own home stands in the place of `/users`.
#[utoipa::path(get, path = "/v1/folders", tag = "folders", params(ListQuery),
    responses((status = 200, description = "One page.", body = Page<Folder>), BearerRefusals))]
async fn list_folders(
    state: State<App>,
    permit: Permit,
    query: Query<ListQuery>,
) -> Result<Json<Page<Folder>>> {
    let (parent, part) = query.0.checked()?;
    let (nodes, total) = state.list(&permit, Kind::Folder, parent, part).await?;
    Ok(Json(Page {
        items: nodes
            .into_iter()
            .map(|node| Folder::new(&permit, node))
            .collect(),
        total,
        limit: part.limit,
        offset: part.offset,
    }))
}

/// Create a folder
///
/// Needs `READ_WRITE` on the folder that it is created in; at the root, on `/`. Nobody has rights on
/// it but by role or by grants on what lies above: grants on its path from before end, and where
/// the caller could not revoke one of them, nothing is created.
#[utoipa::path(post, path = "/v1/folders", tag = "folders", request_body = NewFolder,
    responses((status = 201, description = "The folder.", body = Folder),
        (status = 409, description = "The name is taken there, perhaps by what the caller may not read (`name_conflict`); or grants stand on the path that the caller could not revoke (`path_has_grants`)."), BearerRefusals))]
async fn create_folder(
    state: State<App>,
    permit: Permit,
    body: Json<NewFolder>,
) -> Result<(StatusCode, Json<Folder>)> {
    let Json(body) = body;
    let mut fields = Fields::default();
    fields.name(Some(&body.name));
    let parent = fields.parent(body.parent_path_part_id.as_deref());
    fields.finish()?;
    let new = New {
        name: body.name,
        parent,
        document: None,
    };
    let State(app) = state;
    uninterrupted(async move {
        let node = app.create(&permit, new).await?;
        Ok((StatusCode::CREATED, Json(Folder::new(&permit, node))))
    })
    .await
}

/// Get a folder
///
/// Needs `READ_ONLY` on it.
#[utoipa::path(get, path = "/v1/folders/{id}", tag = "folders",
    params(("id" = String, Path, description = "The folder's id."), ItemQuery),
    responses((status = 200, description = "The folder.", body = Folder), BearerRefusals))]
async fn get_folder(
    state: State<App>,
    permit: Permit,
    id: PathId<Id<id::Folder>>,
    query: Query<ItemQuery>,
) -> Result<Json<Folder>> {
    query.0.check()?;
    let node = state.get(&permit, Kind::Folder, id.0.uuid()).await?;
    Ok(Json(Folder::new(&permit, node)))
}

/// Rename or move a folder
///
/// Needs `READ_WRITE` on it; to rename or move it, also on the folder it lies in (at the root, on
/// `/`), and to move it, on the folder it goes to. Taking it into one's own home takes it away from
/// others, as deleting it would: that needs `READ_WRITE_DELETE` on it. All that it holds goes with
/// it, and so do the grants on it. Grants on its new path from before end, and where the caller
/// could not revoke one of them, nothing is changed.
#[utoipa::path(patch, path = "/v1/folders/{id}", tag = "folders",
    params(("id" = String, Path, description = "The folder's id.")), request_body = FolderChange,
    responses((status = 200, description = "The folder as it is now.", body = Folder),
        (status = 409, description = "The name is taken there, perhaps by what the caller may not read (`name_conflict`); or grants stand on the path that the caller could not revoke (`path_has_grants`)."), BearerRefusals))]
async fn change_folder(
    state: State<App>,
    permit: Permit,
    id: PathId<Id<id::Folder>>,
    body: Json<FolderChange>,
) -> Result<Json<Folder>> {
    let Json(body) = body;
    let mut fields = Fields::default();
    fields.name(body.name.as_deref());
    let parent = fields.new_parent(body.parent_path_part_id.as_deref());
    fields.finish()?;
    let change = Change {
        name: body.name,
        parent,
        exclude_from_qdrant: body.exclude_from_qdrant,
        ..Change::default()
    };
    let (State(app), id) = (state, id.0.uuid());
    uninterrupted(async move {
        let node = app.change(&permit, Kind::Folder, id, change).await?;
        Ok(Json(Folder::new(&permit, node)))
    })
    .await
}

/// Delete a folder
///
/// Deletes it and all that it holds, and ends the grants on that. Needs `READ_WRITE_DELETE` on it.
#[utoipa::path(delete, path = "/v1/folders/{id}", tag = "folders",
    params(("id" = String, Path, description = "The folder's id.")),
    responses((status = 204, description = "It is gone."), BearerRefusals))]
async fn delete_folder(
    state: State<App>,
    permit: Permit,
    id: PathId<Id<id::Folder>>,
) -> Result<StatusCode> {
    let (State(app), id) = (state, id.0.uuid());
    uninterrupted(async move {
        app.remove(&permit, Kind::Folder, id).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
