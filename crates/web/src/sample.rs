//! What the pages show of the sample API.

use futures_util::future::BoxFuture;
use vestibule_accounts::Page;
use vestibule_http::Problem;
use vestibule_layer::Permit;
use vestibule_model::Timestamp;

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// The path, if it has one.
    pub path: Option<String>,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

/// The lists of the sample API, cut to what the caller may see.
pub trait SampleLists: Send + Sync + 'static {
    /// A part of the documents that the caller may read, in the organisation of the permit, and
    /// how many there are.
    fn documents<'a>(
        &'a self,
        permit: &'a Permit,
        part: Page,
    ) -> BoxFuture<'a, Result<(Vec<Listed>, u64), Problem>>;

    /// A part of the caller's conversations with agents there, and how many there are.
    fn conversations<'a>(
        &'a self,
        permit: &'a Permit,
        part: Page,
    ) -> BoxFuture<'a, Result<(Vec<Listed>, u64), Problem>>;
}
