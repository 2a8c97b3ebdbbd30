//! Asking the service which resource stands at a path, and at which path a resource stands.

use futures_util::future::BoxFuture;
use vestibule_check::Permit;
use vestibule_http::Problem;
use vestibule_model::ResourcePath;

/// Translates between paths and a service's own ids, for clients that name a resource by its id
/// where a grant names a path.
///
/// Grants stay with paths: an id is turned into the path it has at that moment, and back for the
/// answer. Only administrators and owners of the organisation are told, so nothing is left out.
pub trait PathParts: std::fmt::Debug + Send + Sync + 'static {
    /// The path of the resource with this id, in any spelling that the service takes; `None` where
    /// the caller's organisation has no such resource.
    ///
    /// # Errors
    /// A text that is no id at all, named as the field `path_part_id`; or a store that is away.
    fn path_of<'a>(
        &'a self,
        permit: &'a Permit,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<ResourcePath>, Problem>>;

    /// The id of what stands at each of these paths in the caller's organisation, in their order;
    /// `None` where nothing does.
    fn ids_of<'a>(
        &'a self,
        permit: &'a Permit,
        paths: &'a [ResourcePath],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, Problem>>;
}
