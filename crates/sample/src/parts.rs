//! What requests and answers about folders and documents have in common.

use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vestibule_layer::model::{Capability, Invalid, ResourcePath, Timestamp};
use vestibule_layer::{FieldError, Permit, Problem};

use crate::error::{self, Result};
use crate::id::{Folder, Id, Noun};
use crate::name;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Paged)]
pub(crate) struct Page<T> {
    /// What the page holds.
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
            can_approve: permit.may_approve(path).is_ok(),
        }
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

    /// The value that a text stands for, where there is one.
    pub(crate) fn parse<T>(
        &mut self,
        field: &str,
        text: Option<&str>,
        read: impl FnOnce(&str) -> std::result::Result<T, Invalid>,
    ) -> Option<T> {
        read(text?)
            .map_err(|invalid| self.refuse(field, invalid))
            .ok()
    }

    /// The id of something.
    pub(crate) fn id<N: Noun>(&mut self, field: &str, id: Option<&str>) -> Option<Uuid> {
        self.parse(field, id, str::parse::<Id<N>>).map(Id::uuid)
    }

    pub(crate) fn parent(&mut self, id: Option<&str>) -> Option<Uuid> {
        self.id::<Folder>("parent_path_part_id", id)
    }

    /// Where something is to lie that is changed: where it is, as long as nothing is said; at the
    /// root, if what is said is empty; else in a folder.
    #[expect(clippy::option_option, reason = "as it is, the root, or a folder")]
    pub(crate) fn new_parent(&mut self, id: Option<&str>) -> Option<Option<Uuid>> {
        match id {
            None => None,
            Some("") => Some(None),
            Some(id) => Some(self.parent(Some(id))),
        }
    }

    /// A moment in RFC 3339.
    pub(crate) fn moment(&mut self, field: &str, text: Option<&str>) -> Option<Timestamp> {
        // Clients also write an offset without its colon, which RFC 3339 does not know.
        self.parse(field, text, |text| {
            Timestamp::parse(text).or_else(|invalid| {
                let colon = text.len().saturating_sub(2);
                match text.split_at_checked(colon) {
                    Some((before, after)) => {
                        Timestamp::parse(&format!("{before}:{after}")).map_err(|_| invalid)
                    }
                    None => Err(invalid),
                }
            })
        })
    }

    /// Yes or no, where something was said.
    pub(crate) fn flag(&mut self, field: &str, text: Option<&str>) -> Option<bool> {
        self.parse(field, text, |text| {
            text.parse()
                .map_err(|_| Invalid::new("invalid_value", "must be true or false"))
        })
    }

    /// A whole number within bounds, or its default where there is none.
    pub(crate) fn number(
        &mut self,
        field: &str,
        text: Option<&str>,
        bounds: RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        let within = |text: &str| {
            let number = text.parse().ok().filter(|number| bounds.contains(number));
            number.ok_or_else(|| {
                let (least, most) = (bounds.start(), bounds.end());
                let message = format!("must be a whole number from {least} to {most}");
                Invalid::new("out_of_range", message)
            })
        };
        self.parse(field, text, within).unwrap_or(default)
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
