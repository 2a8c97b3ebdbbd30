//! What requests and answers about folders and documents have in common.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vestibule_layer::model::{Capability, Invalid, ResourcePath, Role};
use vestibule_layer::{FieldError, Permit, Problem};

use crate::error::{self, Result};
use crate::id::{Folder, Id, Noun};
use crate::name;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What the page holds, by name.
    pub(crate) items: Vec<T>,
    /// How many there are on all pages that this caller may see.
    pub(crate) total: i64,
    /// How many the page may hold.
    pub(crate) limit: u32,
    /// How many were left out before it.
    pub(crate) offset: u32,
}

/// What the caller may do with a folder or document.
#[derive(Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four answers to four questions, as clients expect them"
)]
pub(crate) struct Permissions {
    /// Open it. False for a folder that is listed only because it leads to something readable.
    can_read: bool,
    /// Rename and change it, and put something into it.
    can_write: bool,
    /// Delete it.
    can_delete: bool,
    /// Approve it.
    can_approve: bool,
}

impl Permissions {
    pub(crate) fn of(permit: &Permit, path: &ResourcePath) -> Self {
        let may = |capability| permit.may(path, capability).is_ok();
        Self {
            can_read: may(Capability::ReadOnly),
            can_write: may(Capability::ReadWrite),
            can_delete: may(Capability::ReadWriteDelete),
            can_approve: may_approve(permit, path),
        }
    }
}

/// No capability includes approval: it takes the role, or a grant that says so, and a narrowed key
/// has to have one too.
fn may_approve(permit: &Permit, path: &ResourcePath) -> bool {
    let principal = permit.principal();
    let approves = |grants: &[vestibule_layer::model::HeldGrant]| {
        grants
            .iter()
            .any(|grant| grant.can_approve && grant.path.covers(path))
    };
    let by_user = principal.role >= Role::Admin || approves(&principal.grants);
    by_user && principal.narrowed_to.as_deref().is_none_or(approves)
}

/// Which page of which folder.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The folder to list. Without it: the folders at the root, or the documents anywhere.
    parent_path_part_id: Option<String>,
    /// How many at most: 1 to 100, 20 unless said.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[param(default = 0)]
    offset: Option<u32>,
}

impl ListQuery {
    /// The folder, the limit and the offset.
    pub(crate) fn checked(&self) -> Result<(Option<Uuid>, u32, u32)> {
        let mut fields = Fields::default();
        let parent = fields.parent(self.parent_path_part_id.as_deref());
        let limit = self.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            fields.refuse("limit", Invalid::new("out_of_range", "must be 1 to 100"));
        }
        fields.done()?;
        Ok((parent, limit, self.offset.unwrap_or(0)))
    }
}

/// The fields that were refused, all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    pub(crate) fn refuse(&mut self, field: &str, invalid: Invalid) {
        self.0.push(error::field(field, invalid));
    }

    pub(crate) fn check(&mut self, field: &str, checked: std::result::Result<(), Invalid>) {
        if let Err(invalid) = checked {
            self.refuse(field, invalid);
        }
    }

    pub(crate) fn name(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.check("name", name::check(name));
        }
    }

    pub(crate) fn content(&mut self, content: Option<&str>) {
        if let Some(content) = content {
            self.check("content", name::check_content(content));
        }
    }

    pub(crate) fn parent(&mut self, id: Option<&str>) -> Option<Uuid> {
        match id?.parse::<Id<Folder>>() {
            Ok(id) => Some(id.uuid()),
            Err(invalid) => {
                self.refuse("parent_path_part_id", invalid);
                None
            }
        }
    }

    pub(crate) fn done(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0).into())
        }
    }
}

/// The id in a route's path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathId<N>(pub(crate) Id<N>);

impl<N: Noun, S: Send + Sync> FromRequestParts<S> for PathId<N> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> std::result::Result<Self, Problem> {
        // A parameter that is no text cannot be an id either.
        let text = Path::<String>::from_request_parts(parts, state)
            .await
            .map(|Path(text)| text)
            .unwrap_or_default();
        text.parse()
            .map(Self)
            .map_err(|invalid| Problem::invalid(vec![error::field("id", invalid)]))
    }
}

/// Tells a field that is `null` from one that is left out.
#[expect(
    clippy::option_option,
    reason = "left out, null, or a value: three things"
)]
pub(crate) fn null_or<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Does the work to its end even when the caller goes away: a change and its grants are two stores,
/// and half of it would be neither.
pub(crate) async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "a change was broken off");
            Err(Problem::internal().into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_to_its_end_when_its_caller_goes_away() {
        let (done, told) = tokio::sync::oneshot::channel();
        let work = uninterrupted(async move {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            done.send(()).unwrap();
            Ok(())
        });
        let gone = tokio::time::timeout(std::time::Duration::from_millis(1), work).await;
        assert!(gone.is_err());
        told.await.unwrap();
    }
}
