//! The version of a document's text, as answers have it.

use serde::Serialize;
use utoipa::ToSchema;
use vestibule_layer::Permit;
use vestibule_layer::model::Timestamp;

use crate::id::{self, Id};
use crate::node::Node;

/// The version of a document that holds: its current text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DocumentVersion {
    /// The version's id; each rewrite has another.
    #[schema(example = "version_01jhmpfn80e48s5s0q7b7cwx5e")]
    pub(super) id: String,
    /// The same id.
    path_part_id: String,
    /// From 1, one more with each rewrite.
    #[schema(minimum = 1)]
    version: i64,
    /// `v` and its number.
    #[schema(example = "v1")]
    name: String,
    /// The document.
    parent_path_id: String,
    /// Its path, below the document.
    #[schema(example = "/shared/reports/q1/v1")]
    materialized_path: String,
    /// Always false.
    system_managed: bool,
    /// The organisation it belongs to.
    tenant_id: String,
    /// Its author; null for texts from before that was recorded.
    uploader: Option<Uploader>,
    /// The time at which it was written.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The same: a version does not change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// The author of a version.
#[derive(Debug, Serialize, ToSchema)]
struct Uploader {
    /// The user's id.
    #[schema(example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    user_id: String,
    /// Always null: this service does not know the names of people.
    #[schema(value_type = Option<String>)]
    first_name: (),
    /// Always null, as the first name.
    #[schema(value_type = Option<String>)]
    last_name: (),
}

impl DocumentVersion {
    /// The one that a document has.
    pub(super) fn new(permit: &Permit, document: &Node) -> Self {
        let version = document.facts.version;
        let id = Id::<id::DocumentVersion>::from_uuid(version.id).to_string();
        let name = format!("v{}", version.number);
        Self {
            path_part_id: id.clone(),
            id,
            version: version.number,
            parent_path_id: Id::<id::Document>::from_uuid(document.id).to_string(),
            materialized_path: format!("{}/{name}", document.path),
            name,
            system_managed: false,
            tenant_id: permit.organization_id().to_string(),
            uploader: version.made_by.map(|user| Uploader {
                user_id: user.to_string(),
                first_name: (),
                last_name: (),
            }),
            created_at: version.created_at,
            updated_at: version.created_at,
        }
    }
}
