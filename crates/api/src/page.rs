//! Parts of long lists.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vestibule_accounts::{Listed, Page};
use vestibule_http::{Fields, Paging, Problem};

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The most items to return.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// The number of items to skip.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 10_000, default = 0)]
    offset: Option<String>,
}

impl PageQuery {
    /// Returns the page, if both numbers are within their bounds.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        let mut fields = Fields::default();
        let page = page(&mut fields, self.limit.as_deref(), self.offset.as_deref());
        fields.finish()?;
        Ok(page)
    }
}

/// Reads the page that two query parameters ask for.
pub(crate) fn page(fields: &mut Fields, limit: Option<&str>, offset: Option<&str>) -> Page {
    let Paging { limit, offset } = fields.paging(limit, offset);
    Page::at(limit, offset)
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Paged<T> {
    /// The items of this page.
    pub(crate) items: Vec<T>,
    /// The number of items in the whole list; 10,000 where there are more, which are not counted.
    pub(crate) total: u64,
    /// True if `total` is exact; false where there are more.
    pub(crate) total_is_exact: bool,
    /// The most items of a page.
    pub(crate) limit: u32,
    /// The number of items skipped.
    pub(crate) offset: u32,
}

impl<T> Paged<T> {
    /// Builds the page, with each item converted into its form on the wire.
    pub(crate) fn new<U>(page: Page, listed: Listed<U>, each: impl FnMut(U) -> T) -> Self {
        Self {
            items: listed.items.into_iter().map(each).collect(),
            total: listed.total.counted(),
            total_is_exact: listed.total.is_exact(),
            limit: page.limit,
            offset: page.offset(),
        }
    }
}
