//! The order of listed permissions.

use std::str::FromStr;

use utoipa::ToSchema;
use vestibule_accounts::Page;
use vestibule_http::SortDirection;
use vestibule_model::{Grant, Invalid};

/// The sort key of permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PermissionOrder {
    #[default]
    CreatedAt,
    Capability,
}

impl FromStr for PermissionOrder {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "CREATED_AT" => Ok(Self::CreatedAt),
            "CAPABILITY" => Ok(Self::Capability),
            _ => Err(Invalid::new(
                "invalid_sort",
                "must be CREATED_AT or CAPABILITY",
            )),
        }
    }
}

/// Sorts all permissions of a member, of which there are never many, and cuts out one page.
pub(super) fn sorted(
    mut grants: Vec<Grant>,
    by: PermissionOrder,
    direction: SortDirection,
    page: Page,
) -> Vec<Grant> {
    grants.sort_by(|one, other| {
        let first = match by {
            PermissionOrder::CreatedAt => std::cmp::Ordering::Equal,
            PermissionOrder::Capability => one.capability.cmp(&other.capability),
        };
        let age = |grant: &Grant| (grant.created_at, grant.id);
        let up = first.then_with(|| age(one).cmp(&age(other)));
        match direction {
            SortDirection::Asc => up,
            SortDirection::Desc => up.reverse(),
        }
    });
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    grants.into_iter().skip(skipped).take(most).collect()
}
