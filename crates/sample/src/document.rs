//! `/v1/documents`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_layer::model::Timestamp;
use vestibule_layer::{Json, Permit, Query, Routes, Rule};

use crate::documented::{BearerRefusals, Documented};
use crate::error::Result;
use crate::id::{self, Id};
use crate::node::{Kind, Node};
use crate::parts::{Fields, ListQuery, Page, PathId, Permissions, null_or, uninterrupted};
use crate::state::App;
use crate::tree::{Change, New};

/// A document, as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Document {
    /// Always `DOCUMENT`.
    part_type: &'static str,
    /// The document's id.
    #[schema(example = "doc_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: String,
    /// The same id.
    path_part_id: String,
    /// Its name.
    name: String,
    /// The folder it lies in; null at the root.
    parent_path_part_id: Option<String>,
    /// Where it is, as grants name it.
    #[schema(example = "/shared/reports/q1")]
    materialized_path: String,
    /// Always false: no document belongs to every organisation.
    system_managed: bool,
    /// Always `not_required`: documents of this service need no approval.
    approval_state: &'static str,
    /// Always false: this service keeps no search index.
    exclude_from_qdrant: bool,
    /// The organisation it belongs to.
    tenant_id: String,
    /// Its text; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// What the caller may do with it.
    permissions: Permissions,
}

impl Document {
    fn new(permit: &Permit, node: Node) -> Self {
        let id = Id::<id::Document>::from_uuid(node.id).to_string();
        Self {
            part_type: Kind::Document.part_type(),
            path_part_id: id.clone(),
            id,
            name: node.name,
            parent_path_part_id: node
                .parent
                .map(|parent| Id::<id::Folder>::from_uuid(parent).to_string()),
            permissions: Permissions::of(permit, &node.path),
            materialized_path: node.path.to_string(),
            system_managed: node.system_managed,
            approval_state: "not_required",
            exclude_from_qdrant: false,
            tenant_id: permit.organization_id().to_string(),
            content: node.content,
            created_at: node.created_at,
            updated_at: node.updated_at,
        }
    }
}

/// A document to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocument {
    /// 1 to 255 characters, without slashes.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// The folder to make it in; the root where left out.
    parent_path_part_id: Option<String>,
    /// Its text, at most 64 KiB; empty where left out.
    content: Option<String>,
}

/// What to change of a document; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "left out, null, or a value: three things"
)]
pub(crate) struct DocumentChange {
    /// The new name.
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// The folder to move it to; null moves it to the root.
    #[serde(default, deserialize_with = "null_or")]
    #[schema(value_type = Option<String>)]
    parent_path_part_id: Option<Option<String>>,
    /// The new text, at most 64 KiB.
    content: Option<String>,
}

pub(crate) fn documented() -> Documented<App> {
    let rule = Rule::signed_in();
    Documented::new(Routes::bearer())
        .route(&rule, routes!(list_documents))
        .route(&rule, routes!(create_document))
        .route(&rule, routes!(get_document))
        .route(&rule, routes!(change_document))
        .route(&rule, routes!(delete_document))
}

/// List documents
///
/// Lists the documents that the caller may read, in one folder or, without one, in the whole
/// organisation.
#[utoipa::path(get, path = "/v1/documents", tag = "documents", params(ListQuery),
    security(("bearer" = [])),
    responses((status = 200, description = "One page.", body = Page<Document>), BearerRefusals))]
async fn list_documents(
    state: State<App>,
    permit: Permit,
    query: Query<ListQuery>,
) -> Result<Json<Page<Document>>> {
    let (parent, limit, offset) = query.0.checked()?;
    let (nodes, total) = state
        .list(&permit, Kind::Document, parent, limit, offset)
        .await?;
    Ok(Json(Page {
        items: nodes
            .into_iter()
            .map(|node| Document::new(&permit, node))
            .collect(),
        total,
        limit,
        offset,
    }))
}

/// Create a document
///
/// Needs `READ_WRITE` on the folder that it is made in; at the root, on `/`. Nobody has rights on
/// it but by role or by grants on what lies above: grants on its path from before end.
#[utoipa::path(post, path = "/v1/documents", tag = "documents", request_body = NewDocument,
    security(("bearer" = [])),
    responses((status = 201, description = "The document.", body = Document),
        (status = 409, description = "The name is taken there, perhaps by what the caller may not read."), BearerRefusals))]
async fn create_document(
    state: State<App>,
    permit: Permit,
    body: Json<NewDocument>,
) -> Result<(StatusCode, Json<Document>)> {
    let Json(body) = body;
    let mut fields = Fields::default();
    fields.name(Some(&body.name));
    fields.content(body.content.as_deref());
    let parent = fields.parent(body.parent_path_part_id.as_deref());
    fields.done()?;
    let new = New {
        kind: Kind::Document,
        name: body.name,
        parent,
        content: Some(body.content.unwrap_or_default()),
    };
    let State(app) = state;
    uninterrupted(async move {
        let node = app.create(&permit, new).await?;
        Ok((StatusCode::CREATED, Json(Document::new(&permit, node))))
    })
    .await
}

/// Get a document
///
/// Needs `READ_ONLY` on it.
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id.")),
    security(("bearer" = [])),
    responses((status = 200, description = "The document.", body = Document), BearerRefusals))]
async fn get_document(
    state: State<App>,
    permit: Permit,
    id: PathId<id::Document>,
) -> Result<Json<Document>> {
    let node = state.get(&permit, Kind::Document, id.0.uuid()).await?;
    Ok(Json(Document::new(&permit, node)))
}

/// Rename, move or rewrite a document
///
/// Needs `READ_WRITE` on it, and to move it, on the folder it goes to. Taking it into the own home
/// takes it away from others, as deleting it would: that needs `READ_WRITE_DELETE` on it. The
/// grants on it go with it.
#[utoipa::path(patch, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id.")),
    request_body = DocumentChange, security(("bearer" = [])),
    responses((status = 200, description = "The document as it is now.", body = Document),
        (status = 409, description = "The name is taken there, perhaps by what the caller may not read."), BearerRefusals))]
async fn change_document(
    state: State<App>,
    permit: Permit,
    id: PathId<id::Document>,
    body: Json<DocumentChange>,
) -> Result<Json<Document>> {
    let Json(body) = body;
    let mut fields = Fields::default();
    fields.name(body.name.as_deref());
    fields.content(body.content.as_deref());
    let parent = body
        .parent_path_part_id
        .map(|parent| fields.parent(parent.as_deref()));
    fields.done()?;
    let change = Change {
        name: body.name,
        parent,
        content: body.content,
    };
    let (State(app), id) = (state, id.0.uuid());
    uninterrupted(async move {
        let node = app.change(&permit, Kind::Document, id, change).await?;
        Ok(Json(Document::new(&permit, node)))
    })
    .await
}

/// Delete a document
///
/// Needs `READ_WRITE_DELETE` on it. The grants on it end.
#[utoipa::path(delete, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id.")),
    security(("bearer" = [])),
    responses((status = 204, description = "It is gone."), BearerRefusals))]
async fn delete_document(
    state: State<App>,
    permit: Permit,
    id: PathId<id::Document>,
) -> Result<StatusCode> {
    let (State(app), id) = (state, id.0.uuid());
    uninterrupted(async move {
        app.remove(&permit, Kind::Document, id).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
