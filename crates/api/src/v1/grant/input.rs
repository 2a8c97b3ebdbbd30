//! What callers send to `/v1/user-permissions`.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use vestibule_accounts::{GrantPatch, NewGrant, Page};
use vestibule_handler::Result;
use vestibule_http::Problem;
use vestibule_model::{Capability, OrganizationId, ResourcePath, UserId};

use crate::input::Fields;
use crate::page::page;
use crate::schema::CapabilitySchema;

/// What is to be granted to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatePermission {
    /// The organisation of this request, for clients that always name it.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: Option<String>,
    /// A member of the organisation.
    #[schema(example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    user_id: String,
    /// Where it holds, and on all below.
    #[schema(example = "/shared/eng")]
    path: String,
    /// What it allows there.
    #[schema(value_type = CapabilitySchema)]
    capability: String,
    /// Whether it also allows approving.
    #[serde(default)]
    can_approve: bool,
}

impl CreatePermission {
    pub(super) fn validate(&self) -> Result<(Option<OrganizationId>, UserId, NewGrant), Problem> {
        let mut fields = Fields::default();
        let tenant = fields.parse_optional("tenant_id", self.tenant_id.as_deref());
        let user: Option<UserId> = fields.parse("user_id", &self.user_id);
        let path: Option<ResourcePath> = fields.parse("path", &self.path);
        let capability: Option<Capability> = fields.parse("capability", &self.capability);
        let all = match (user, path, capability) {
            (Some(user), Some(path), Some(capability)) => Some((
                tenant,
                user,
                NewGrant {
                    path,
                    capability,
                    can_approve: self.can_approve,
                },
            )),
            _ => None,
        };
        fields.finish_with(all)
    }
}

/// What is to change; what is left out or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatePermission {
    /// Where it holds, and on all below.
    #[schema(example = "/shared/eng")]
    path: Option<String>,
    /// What it allows there.
    #[schema(value_type = Option<CapabilitySchema>)]
    capability: Option<String>,
    /// Whether it also allows approving.
    can_approve: Option<bool>,
}

impl UpdatePermission {
    pub(super) fn validate(&self) -> Result<GrantPatch, Problem> {
        let mut fields = Fields::default();
        let patch = GrantPatch {
            path: fields.parse_optional("path", self.path.as_deref()),
            capability: fields.parse_optional("capability", self.capability.as_deref()),
            can_approve: self.can_approve,
        };
        fields.finish()?;
        Ok(patch)
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

/// Whose permissions are wanted, and which of them.
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
    /// How many items at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// How many items to pass over first.
    #[param(value_type = Option<u32>, minimum = 0, default = 0)]
    offset: Option<String>,
}

/// A [`ListQuery`], understood.
pub(super) struct Wanted {
    pub(super) tenant: Option<OrganizationId>,
    pub(super) user: UserId,
    pub(super) capability: Option<Capability>,
    pub(super) page: Page,
}

impl ListQuery {
    pub(super) fn validate(&self) -> Result<Wanted, Problem> {
        let mut fields = Fields::default();
        let tenant = fields.parse_optional("tenant_id", self.tenant_id.as_deref());
        let user = fields.parse("user_id", &self.user_id);
        let capability = fields.parse_optional("capability", self.capability.as_deref());
        let page = page(&mut fields, self.limit.as_deref(), self.offset.as_deref());
        fields.finish_with(user.map(|user| Wanted {
            tenant,
            user,
            capability,
            page,
        }))
    }
}
