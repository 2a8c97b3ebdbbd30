//! Which part of which list is wanted, and in what order.

use std::str::FromStr;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vestibule_layer::model::{Invalid, Timestamp};
use vestibule_layer::{Fields, SortDirection};

use crate::error::Result;
use crate::parts::PartFields as _;

/// A page of a folder.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The folder to list. Without it: the folders at the root, or the documents anywhere.
    parent_path_part_id: Option<String>,
    /// By what the list is sorted; equal ones by id. `LOGICAL`, the default, is by name: nobody
    /// arranges anything here.
    #[param(inline, value_type = Option<PathOrder>)]
    sort_order: Option<String>,
    /// Up, which is the default, or down.
    #[param(inline, value_type = Option<SortDirection>)]
    sort_dir: Option<String>,
    /// Accepted; `tags` is in every answer, and always empty.
    #[param(value_type = Option<bool>, default = false)]
    with_tags: Option<String>,
    /// Only what was made then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    created_after: Option<String>,
    /// Only what was made before.
    #[param(value_type = Option<String>, format = DateTime)]
    created_before: Option<String>,
    /// Only what was last changed then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    updated_after: Option<String>,
    /// Only what was last changed before.
    #[param(value_type = Option<String>, format = DateTime)]
    updated_before: Option<String>,
    /// The most items to return.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// The number of items to skip.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 10_000, default = 0)]
    offset: Option<String>,
}

/// The options of reading one folder or document.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ItemQuery {
    /// Accepted; `tags` is in every answer, and always empty.
    #[param(value_type = Option<bool>, default = false)]
    with_tags: Option<String>,
}

impl ItemQuery {
    /// Refuses what means nothing.
    pub(crate) fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        fields.flag("with_tags", self.with_tags.as_deref());
        Ok(fields.finish()?)
    }
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PathOrder {
    #[default]
    Logical,
    Name,
    UpdatedAt,
    CreatedAt,
}

impl FromStr for PathOrder {
    type Err = Invalid;

    fn from_str(text: &str) -> std::result::Result<Self, Invalid> {
        match text {
            "LOGICAL" => Ok(Self::Logical),
            "NAME" => Ok(Self::Name),
            "UPDATED_AT" => Ok(Self::UpdatedAt),
            "CREATED_AT" => Ok(Self::CreatedAt),
            _ => Err(Invalid::new(
                "invalid_sort",
                "must be LOGICAL, NAME, UPDATED_AT or CREATED_AT",
            )),
        }
    }
}

/// The two ends of a span of time: from the first on, up to but without the second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) after: Option<Timestamp>,
    pub(crate) before: Option<Timestamp>,
}

/// A part of a list: which of it, in what order, and how much.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part {
    pub(crate) order: PathOrder,
    pub(crate) direction: SortDirection,
    pub(crate) created: Span,
    pub(crate) updated: Span,
    pub(crate) limit: u32,
    pub(crate) offset: u32,
}

impl Part {
    /// By name.
    pub(crate) fn first(limit: u32, offset: u32) -> Self {
        Self {
            limit,
            offset,
            ..Self::default()
        }
    }
}

impl ListQuery {
    /// The folder, and the part of its list.
    pub(crate) fn checked(&self) -> Result<(Option<Uuid>, Part)> {
        let mut fields = Fields::default();
        let parent = fields.parent(self.parent_path_part_id.as_deref());
        fields.flag("with_tags", self.with_tags.as_deref());
        let paging = fields.paging(self.limit.as_deref(), self.offset.as_deref());
        let part = Part {
            order: fields
                .parse_optional("sort_order", self.sort_order.as_deref())
                .unwrap_or_default(),
            direction: fields
                .parse_optional("sort_dir", self.sort_dir.as_deref())
                .unwrap_or_default(),
            created: Span {
                after: fields.moment("created_after", self.created_after.as_deref()),
                before: fields.moment("created_before", self.created_before.as_deref()),
            },
            updated: Span {
                after: fields.moment("updated_after", self.updated_after.as_deref()),
                before: fields.moment("updated_before", self.updated_before.as_deref()),
            },
            limit: paging.limit,
            offset: paging.offset,
        };
        fields.finish()?;
        Ok((parent, part))
    }
}
