//! What requests and answers about folders and documents have in common.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vestibule_layer::model::{Capability, ResourcePath};
use vestibule_layer::{Fields, Permit, Problem};

use crate::error::Result;
use crate::id::{Folder, Id, Noun};
use crate::name;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Paged)]
pub(crate) struct Page<T> {
    /// The items of the page.
    pub(crate) items: Vec<T>,
    /// The number of items on all pages that this caller may see.
    pub(crate) total: i64,
    /// The most items of a page.
    pub(crate) limit: u32,
    /// The number of items skipped.
    pub(crate) offset: u32,
}

/// The caller's rights on a folder or document.
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

/// The fields that several requests about folders and documents share.
pub(crate) trait PartFields {
    /// Refuses a name that nothing may have, where one is given.
    fn name(&mut self, name: Option<&str>);

    /// Refuses a text that is too long, where one is given.
    fn content(&mut self, content: Option<&str>);

    /// Parses an id, where one is given.
    fn id<N: Noun>(&mut self, field: &str, id: Option<&str>) -> Option<Uuid>;

    /// Parses the id of the folder that something lies in, where one is given.
    fn parent(&mut self, id: Option<&str>) -> Option<Uuid> {
        self.id::<Folder>("parent_path_part_id", id)
    }

    /// Parses the folder that something is to move to: `None` where nothing is given and it stays,
    /// `Some(None)` for an empty text, which is the root.
    #[expect(clippy::option_option, reason = "as it is, the root, or a folder")]
    fn new_parent(&mut self, id: Option<&str>) -> Option<Option<Uuid>> {
        match id {
            None => None,
            Some("") => Some(None),
            Some(id) => Some(self.parent(Some(id))),
        }
    }
}

impl PartFields for Fields {
    fn name(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.take("name", name::check(name));
        }
    }

    fn content(&mut self, content: Option<&str>) {
        if let Some(content) = content {
            self.take("content", name::check_content(content));
        }
    }

    fn id<N: Noun>(&mut self, field: &str, id: Option<&str>) -> Option<Uuid> {
        self.parse_optional::<Id<N>>(field, id).map(Id::uuid)
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
