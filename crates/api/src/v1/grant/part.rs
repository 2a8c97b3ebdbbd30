//! Grants stand on paths; clients may name what stands there by its id.

use vestibule_http::{Fields, Problem};
use vestibule_layer::Permit;
use vestibule_model::ResourcePath;

use super::input::Place;
use crate::ApiState;

/// The path that a place is.
pub(super) async fn path_of(
    state: &ApiState,
    permit: &Permit,
    place: Place,
) -> Result<ResourcePath, Problem> {
    let id = match place {
        Place::Path(path) => return Ok(path),
        Place::Part(id) => id,
    };
    let Some(parts) = &state.path_parts else {
        let mut fields = Fields::default();
        fields.refuse(
            "path_part_id",
            "no_path_parts",
            "means nothing here, where no service is connected whose resources have ids; \
             give path instead",
        );
        return fields.finish_with(None);
    };
    let found = parts.path_of(permit, &id).await?;
    found.ok_or_else(|| Problem::not_found("path part"))
}

/// The ids of what stands at these paths, in their order.
pub(super) async fn ids_of(
    state: &ApiState,
    permit: &Permit,
    paths: &[ResourcePath],
) -> Result<Vec<Option<String>>, Problem> {
    match &state.path_parts {
        Some(parts) => parts.ids_of(permit, paths).await,
        None => Ok(vec![None; paths.len()]),
    }
}

/// The id of what stands at a path.
pub(super) async fn id_of(
    state: &ApiState,
    permit: &Permit,
    path: &ResourcePath,
) -> Result<Option<String>, Problem> {
    let found = ids_of(state, permit, std::slice::from_ref(path)).await?;
    Ok(found.into_iter().next().flatten())
}
