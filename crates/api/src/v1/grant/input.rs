//! What callers send to `/v1/user-permissions`.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use vestibule_accounts::{GrantPatch, Page};
use vestibule_http::{Fields, Problem, SortDirection};
use vestibule_model::{Capability, OrganizationId, ResourcePath, UserId};

use crate::page::page;
use crate::schema::CapabilitySchema;

use super::order::PermissionOrder;

/// A new permission.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatePermission {
    /// The organisation of this request, for clients that always name it.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: Option<String>,
    /// A member of the organisation.
    #[schema(example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    user_id: String,
    /// The path on which it holds, with all below: exactly one of this and `path_part_id`.
    #[schema(example = "/shared/eng")]
    path: Option<String>,
    /// The resource on whose path it holds: its id, in either spelling. It stands for the path
    /// that the resource has now.
    #[schema(example = "folder_01jhmpfn80e48s5s0q7b7cwx5e")]
    path_part_id: Option<String>,
    /// The capability that it gives there.
    #[schema(value_type = CapabilitySchema)]
    capability: String,
    /// True if it also allows approving.
    #[serde(default)]
    can_approve: bool,
}

/// A [`CreatePermission`] that has been read.
#[derive(Debug)]
pub(super) struct Creation {
    pub(super) tenant: Option<OrganizationId>,
    pub(super) user: UserId,
    pub(super) place: Place,
    pub(super) capability: Capability,
    pub(super) can_approve: bool,
}

/// The resource on which a permission is to hold.
#[derive(Debug)]
pub(super) enum Place {
    Path(ResourcePath),
    /// The path of the resource with this id.
    Part(String),
}

/// The place that two fields name; nothing where neither does.
fn place(fields: &mut Fields, path: Option<String>, part: Option<String>) -> Option<Place> {
    match (path, part) {
        (Some(path), None) => fields.parse("path", &path).map(Place::Path),
        (None, Some(part)) => Some(Place::Part(part)),
        (None, None) => None,
        (Some(_), Some(_)) => {
            fields.refuse(
                "path_part_id",
                "ambiguous_field",
                "must not be given together with path",
            );
            None
        }
    }
}

impl CreatePermission {
    pub(super) fn validate(self) -> Result<Creation, Problem> {
        let mut fields = Fields::default();
        let tenant = fields.parse_optional("tenant_id", self.tenant_id.as_deref());
        let user: Option<UserId> = fields.parse("user_id", &self.user_id);
        if self.path.is_none() && self.path_part_id.is_none() {
            fields.refuse("path", "missing_field", "is required, or path_part_id");
        }
        let place = place(&mut fields, self.path, self.path_part_id);
        let capability: Option<Capability> = fields.parse("capability", &self.capability);
        let all = match (user, place, capability) {
            (Some(user), Some(place), Some(capability)) => Some(Creation {
                tenant,
                user,
                place,
                capability,
                can_approve: self.can_approve,
            }),
            _ => None,
        };
        fields.finish_with(all)
    }
}

/// A change; what is left out or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatePermission {
    /// The path on which it holds, with all below: at most one of this and `path_part_id`.
    #[schema(example = "/shared/eng")]
    path: Option<String>,
    /// The resource on whose path it holds: its id, in either spelling.
    #[schema(example = "folder_01jhmpfn80e48s5s0q7b7cwx5e")]
    path_part_id: Option<String>,
    /// The capability that it gives there.
    #[schema(value_type = Option<CapabilitySchema>)]
    capability: Option<String>,
    /// True if it also allows approving.
    can_approve: Option<bool>,
}

impl UpdatePermission {
    /// The change, and where the permission is to hold, which the change does not say yet.
    pub(super) fn validate(self) -> Result<(GrantPatch, Option<Place>), Problem> {
        let mut fields = Fields::default();
        let place = place(&mut fields, self.path, self.path_part_id);
        let patch = GrantPatch {
            path: None,
            capability: fields.parse_optional("capability", self.capability.as_deref()),
            can_approve: self.can_approve,
        };
        fields.finish()?;
        Ok((patch, place))
    }
}

/// The organisation, for clients that always name it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TenantQuery {
    /// The organisation of this request; any other is not found.
    tenant_id: Option<String>,
}

impl TenantQuery {
    pub(super) fn tenant(&self) -> Result<Option<OrganizationId>, Problem> {
        let mut fields = Fields::default();
        let tenant = fields.parse_optional("tenant_id", self.tenant_id.as_deref());
        fields.finish()?;
        Ok(tenant)
    }
}

/// A selection of permissions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The organisation of this request; any other is not found.
    tenant_id: Option<String>,
    /// A member of the organisation.
    user_id: String,
    /// Only permissions of this capability.
    #[param(value_type = Option<CapabilitySchema>)]
    capability: Option<String>,
    /// By what they are sorted, `CREATED_AT` where left out; equal ones by age.
    #[param(inline, value_type = Option<PermissionOrder>)]
    sort_by: Option<String>,
    /// Up, which is the default, or down.
    #[param(inline, value_type = Option<SortDirection>)]
    sort_dir: Option<String>,
    /// The most items to return.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// The number of items to skip.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 10_000, default = 0)]
    offset: Option<String>,
}

/// A [`ListQuery`], understood.
pub(super) struct Wanted {
    pub(super) tenant: Option<OrganizationId>,
    pub(super) user: UserId,
    pub(super) capability: Option<Capability>,
    pub(super) sort_by: PermissionOrder,
    pub(super) sort_dir: SortDirection,
    pub(super) page: Page,
}

impl ListQuery {
    pub(super) fn validate(&self) -> Result<Wanted, Problem> {
        let mut fields = Fields::default();
        let tenant = fields.parse_optional("tenant_id", self.tenant_id.as_deref());
        let user = fields.parse("user_id", &self.user_id);
        let capability = fields.parse_optional("capability", self.capability.as_deref());
        let sort_by = fields.parse_optional("sort_by", self.sort_by.as_deref());
        let sort_dir = fields.parse_optional("sort_dir", self.sort_dir.as_deref());
        let page = page(&mut fields, self.limit.as_deref(), self.offset.as_deref());
        fields.finish_with(user.map(|user| Wanted {
            tenant,
            user,
            capability,
            sort_by: sort_by.unwrap_or_default(),
            sort_dir: sort_dir.unwrap_or_default(),
            page,
        }))
    }
}
