//! `/v1/documents`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_layer::{Fields, Json, PathId, Permit, Query, Rule};

use crate::Documented;
use crate::error::Result;
use crate::id::{self, Id};
use crate::list::{ItemQuery, ListQuery};
use crate::node::Kind;
use crate::parts::{Page, PartFields as _, uninterrupted};
use crate::refusals::BearerRefusals;
use crate::state::App;
use crate::tree::{Change, New, NewText};
use crate::version::Origin;

mod active_version;
mod shape;

use shape::Document;

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
    /// The kind of document: capital letters, digits and underscores. `UNKNOWN` if left out.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Z][A-Z0-9_]*$",
        example = "PLAINTEXT"
    )]
    document_type: Option<String>,
    /// The origin of the document: imported or created here; `SOURCE` if left out.
    #[schema(value_type = Option<Origin>)]
    document_origin: Option<String>,
}

/// A change of a document; what is left out, or null, stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentChange {
    /// The new name.
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// The folder to move it to; an empty text moves it to the root.
    parent_path_part_id: Option<String>,
    /// True to leave it out of search.
    exclude_from_qdrant: Option<bool>,
    /// The new text, at most 64 KiB. Another text than before is another version.
    content: Option<String>,
    /// The version that is to hold: only the one that does, since no other is kept.
    active_version_id: Option<String>,
}

pub(crate) fn documented() -> Documented {
    let rule = Rule::signed_in();
    Documented::bearer()
        .add(rule.clone(), routes!(list_documents))
        .add(rule.clone(), routes!(create_document))
        .add(rule.clone(), routes!(get_document))
        .add(rule.clone(), routes!(change_document))
        .add(rule.clone(), routes!(delete_document))
}

/// List documents
///
/// Lists the documents that the caller may read, in one folder or, without one, in the whole
/// organisation.
#[utoipa::path(get, path = "/v1/documents", tag = "documents", params(ListQuery),
    responses((status = 200, description = "One page.", body = Page<Document>), BearerRefusals))]
async fn list_documents(
    state: State<App>,
    permit: Permit,
    query: Query<ListQuery>,
) -> Result<Json<Page<Document>>> {
    let (parent, part) = query.0.checked()?;
    let (nodes, total) = state.list(&permit, Kind::Document, parent, part).await?;
    Ok(Json(Page {
        items: nodes
            .into_iter()
            .map(|node| Document::new(&permit, node))
            .collect(),
        total,
        limit: part.limit,
        offset: part.offset,
    }))
}

/// Create a document
///
/// Needs `READ_WRITE` on the folder that it is created in; at the root, on `/`. Nobody has rights on
/// it but by role or by grants on what lies above: grants on its path from before end, and where
/// the caller could not revoke one of them, nothing is created.
#[utoipa::path(post, path = "/v1/documents", tag = "documents", request_body = NewDocument,
    responses((status = 201, description = "The document.", body = Document),
        (status = 409, description = "The name is taken there, perhaps by what the caller may not read (`name_conflict`); or grants stand on the path that the caller could not revoke (`path_has_grants`)."), BearerRefusals))]
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
    let document_type = fields.parse_optional("document_type", body.document_type.as_deref());
    let origin = fields.parse_optional("document_origin", body.document_origin.as_deref());
    fields.finish()?;
    let new = New {
        name: body.name,
        parent,
        document: Some(NewText {
            document_type: document_type.unwrap_or_default(),
            origin: origin.unwrap_or_default(),
            content: body.content.unwrap_or_default(),
        }),
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
    params(("id" = String, Path, description = "The document's id."), ItemQuery),
    responses((status = 200, description = "The document.", body = Document), BearerRefusals))]
async fn get_document(
    state: State<App>,
    permit: Permit,
    id: PathId<Id<id::Document>>,
    query: Query<ItemQuery>,
) -> Result<Json<Document>> {
    query.0.check()?;
    let node = state.get(&permit, Kind::Document, id.0.uuid()).await?;
    Ok(Json(Document::new(&permit, node)))
}

/// Rename, move or rewrite a document
///
/// Needs `READ_WRITE` on it; to rename or move it, also on the folder it lies in (at the root, on
/// `/`), and to move it, on the folder it goes to. Taking it into one's own home takes it away from
/// others, as deleting it would: that needs `READ_WRITE_DELETE` on it. The grants on it go with it.
/// Grants on its new path from before end, and where the caller could not revoke one of them,
/// nothing is changed.
#[utoipa::path(patch, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id.")),
    request_body = DocumentChange,
    responses((status = 200, description = "The document as it is now.", body = Document),
        (status = 409, description = "The name is taken there, perhaps by what the caller may not read (`name_conflict`); or grants stand on the path that the caller could not revoke (`path_has_grants`)."), BearerRefusals))]
async fn change_document(
    state: State<App>,
    permit: Permit,
    id: PathId<Id<id::Document>>,
    body: Json<DocumentChange>,
) -> Result<Json<Document>> {
    let Json(body) = body;
    let mut fields = Fields::default();
    fields.name(body.name.as_deref());
    fields.content(body.content.as_deref());
    let parent = fields.new_parent(body.parent_path_part_id.as_deref());
    let version = body.active_version_id.as_deref();
    let active_version = fields.id::<id::DocumentVersion>("active_version_id", version);
    fields.finish()?;
    let change = Change {
        name: body.name,
        parent,
        content: body.content,
        exclude_from_qdrant: body.exclude_from_qdrant,
        active_version,
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
    responses((status = 204, description = "It is gone."), BearerRefusals))]
async fn delete_document(
    state: State<App>,
    permit: Permit,
    id: PathId<Id<id::Document>>,
) -> Result<StatusCode> {
    let (State(app), id) = (state, id.0.uuid());
    uninterrupted(async move {
        app.remove(&permit, Kind::Document, id).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
