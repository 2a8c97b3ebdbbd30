//! How a document is shown.

use serde::Serialize;
use utoipa::ToSchema;
use vestibule_layer::Permit;
use vestibule_layer::model::Timestamp;

use super::active_version::DocumentVersion;
use crate::id::{self, Id};
use crate::node::{Kind, Node};
use crate::parts::Permissions;
use crate::version::Origin;

/// A document, as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "so they are called on the wire")]
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
    /// Its path, as grants name it.
    #[schema(example = "/shared/reports/q1")]
    materialized_path: String,
    /// Always false: no document belongs to every organisation.
    system_managed: bool,
    /// Always `not_required`: documents of this service need no approval.
    approval_state: &'static str,
    /// True if the client wants it left out of search. It is kept for the client: this service has
    /// no search.
    exclude_from_qdrant: bool,
    /// Always empty: this service has no tags.
    #[schema(value_type = Vec<Object>, max_items = 0)]
    tags: [(); 0],
    /// The kind of document, in the client's words.
    #[schema(example = "PLAINTEXT")]
    document_type: String,
    /// The origin of the document: imported or created here.
    #[schema(value_type = Origin)]
    document_origin: &'static str,
    /// The version that holds: its current text. The ones before are not kept.
    active_version_id: String,
    /// The same, in full.
    active_version: DocumentVersion,
    /// The organisation it belongs to.
    tenant_id: String,
    /// Its text; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The time of its creation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The time of its last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The caller's rights on it.
    permissions: Permissions,
}

impl Document {
    pub(crate) fn new(permit: &Permit, node: Node) -> Self {
        let id = Id::<id::Document>::from_uuid(node.id).to_string();
        let active_version = DocumentVersion::new(permit, &node);
        Self {
            document_type: node.facts.document_type.to_string(),
            document_origin: node.facts.origin.as_str(),
            active_version_id: active_version.id.clone(),
            active_version,
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
            exclude_from_qdrant: node.exclude_from_qdrant,
            tags: [],
            tenant_id: permit.organization_id().to_string(),
            content: node.content,
            created_at: node.created_at,
            updated_at: node.updated_at,
        }
    }
}
