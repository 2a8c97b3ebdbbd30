//! Parts of long lists, as query parameters ask for them.

use std::str::FromStr;

use vestibule_model::Invalid;

/// A part of a list; [`Fields::paging`](crate::Fields::paging) reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// The most items of the part, from 1 to [`MAX_LIMIT`](Self::MAX_LIMIT).
    pub limit: u32,
    /// The number of items before it, from 0 to [`MAX_OFFSET`](Self::MAX_OFFSET).
    pub offset: u32,
}

impl Paging {
    /// The largest limit.
    pub const MAX_LIMIT: u32 = 100;

    /// The limit where a request names none.
    pub const DEFAULT_LIMIT: u32 = 20;

    /// The largest offset. The database reads every row that an offset skips.
    pub const MAX_OFFSET: u32 = 10_000;
}

/// The direction of a sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "SCREAMING_SNAKE_CASE"))]
pub enum SortDirection {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

impl FromStr for SortDirection {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "ASC" => Ok(Self::Asc),
            "DESC" => Ok(Self::Desc),
            _ => Err(Invalid::new("invalid_sort", "must be ASC or DESC")),
        }
    }
}
