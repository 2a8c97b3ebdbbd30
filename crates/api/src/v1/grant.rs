//! `/v1/user-permissions`: what members may do on which paths.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use vestibule_accounts::{Accounts, Caller, GrantPatch, HolderKind, NewGrant, Page};
use vestibule_http::{Json, Problem, Query};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{
    Capability, Grant, GrantHolder, GrantId, OrganizationId, ResourcePath, Role, Timestamp, UserId,
};

use crate::documented::Documented;
use crate::error::Result;
use crate::input::{Fields, Id};
use crate::openapi::tag;
use crate::page::{Paged, page};
use crate::schema::CapabilitySchema;

pub(crate) fn routes() -> Documented {
    let rule = || Rule::signed_in().role(Role::Admin);
    Documented::bearer()
        .add(rule(), routes!(create))
        .add(rule(), routes!(list))
        .add(rule(), routes!(update))
        .add(rule(), routes!(delete))
}

/// What is to be granted to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreatePermission {
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
    fn validate(&self) -> Result<(Option<OrganizationId>, UserId, NewGrant), Problem> {
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
struct UpdatePermission {
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
    fn validate(&self) -> Result<GrantPatch, Problem> {
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
struct TenantQuery {
    /// The organisation of this request; any other is not found.
    tenant_id: Option<String>,
}

impl TenantQuery {
    fn tenant(&self) -> Result<Option<OrganizationId>, Problem> {
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
struct ListQuery {
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

struct Wanted {
    tenant: Option<OrganizationId>,
    user: UserId,
    capability: Option<Capability>,
    page: Page,
}

impl ListQuery {
    fn validate(&self) -> Result<Wanted, Problem> {
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

/// What a member may do on a path.
#[derive(Debug, Serialize, ToSchema)]
struct Permission {
    /// The permission's id.
    #[schema(value_type = String, example = "grant_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: GrantId,
    /// The organisation.
    #[schema(value_type = String, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: OrganizationId,
    /// The member.
    #[schema(value_type = String, example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    user_id: UserId,
    /// Where it holds, and on all below.
    #[schema(value_type = String, example = "/shared/eng")]
    path: ResourcePath,
    /// The same as `path`.
    #[schema(value_type = String, example = "/shared/eng")]
    materialized_path: ResourcePath,
    /// What it allows there.
    #[schema(value_type = CapabilitySchema)]
    capability: Capability,
    /// Whether it also allows approving.
    can_approve: bool,
    /// When it was given.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl Permission {
    fn new(user_id: UserId, grant: Grant) -> Self {
        Self {
            id: grant.id,
            tenant_id: grant.organization_id,
            user_id,
            materialized_path: grant.path.clone(),
            path: grant.path,
            capability: grant.capability,
            can_approve: grant.can_approve,
            created_at: grant.created_at,
            updated_at: grant.updated_at,
        }
    }
}

/// A client may name the organisation that it means; any other than that of its credential does
/// not exist for it here.
fn must_be_active(permit: &Permit, tenant: Option<OrganizationId>) -> Result<(), Problem> {
    match tenant {
        Some(tenant) if tenant != permit.organization_id() => Err(Problem::not_found(
            "organisation",
        )
        .hint("Use a credential of that organisation: POST /v1/auth/uat with its tenant_id.")),
        _ => Ok(()),
    }
}

/// Grant a member a permission
///
/// One that adds something to what the member's own permissions allow is accepted, also above or
/// below another of them.
#[utoipa::path(
    post,
    path = "/v1/user-permissions",
    tag = tag::PERMISSIONS,
    operation_id = "createUserPermission",
    request_body = CreatePermission,
    responses(
        (status = 201, description = "The permission.", body = Permission),
        (status = 400, description = "The member has 50 permissions (`permission_limit`), or the body is not JSON."),
        (status = 404, description = "No such member, or another organisation than that of the request."),
        (status = 409, description = "Another permission of the member allows all of it (`subsumed`)."),
    ),
)]
async fn create(
    State(accounts): State<Accounts>,
    permit: Permit,
    Json(body): Json<CreatePermission>,
) -> Result<(StatusCode, Json<Permission>)> {
    let (tenant, user, new) = body.validate()?;
    must_be_active(&permit, tenant)?;
    let caller = Caller::from(&permit);
    let grant = accounts.grant_to_user(&caller, user, new).await?;
    Ok((StatusCode::CREATED, Json(Permission::new(user, grant))))
}

/// List a member's permissions
///
/// Those given to the member alone, not those of groups; the oldest first.
#[utoipa::path(
    get,
    path = "/v1/user-permissions",
    tag = tag::PERMISSIONS,
    operation_id = "listUserPermissions",
    params(ListQuery),
    responses(
        (status = 200, description = "One page of them.", body = Paged<Permission>),
        (status = 404, description = "No such member, or another organisation than that of the request."),
    ),
)]
async fn list(
    State(accounts): State<Accounts>,
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<Json<Paged<Permission>>> {
    let wanted = query.validate()?;
    must_be_active(&permit, wanted.tenant)?;
    let grants = accounts
        .user_grants(
            &Caller::from(&permit),
            wanted.user,
            wanted.capability,
            wanted.page,
        )
        .await?;
    let shown = |grant| Permission::new(wanted.user, grant);
    Ok(Json(Paged::new(wanted.page, grants, shown)))
}

/// Change a permission
#[utoipa::path(
    patch,
    path = "/v1/user-permissions/{id}",
    tag = tag::PERMISSIONS,
    operation_id = "updateUserPermission",
    params(
        ("id" = String, Path, description = "The permission's id.", example = "grant_01jhmpfn80e48s5s0q7b7cwx5e"),
        TenantQuery,
    ),
    request_body = UpdatePermission,
    responses(
        (status = 200, description = "The permission as it is now.", body = Permission),
        (status = 409, description = "Another permission of the member allows all of it (`subsumed`)."),
    ),
)]
async fn update(
    State(accounts): State<Accounts>,
    permit: Permit,
    Id(id): Id<GrantId>,
    Query(query): Query<TenantQuery>,
    Json(body): Json<UpdatePermission>,
) -> Result<Json<Permission>> {
    let patch = body.validate()?;
    must_be_active(&permit, query.tenant()?)?;
    let grant = accounts
        .update_grant(&Caller::from(&permit), HolderKind::User, id, patch)
        .await?;
    match grant.holder {
        GrantHolder::User(user) => Ok(Json(Permission::new(user, grant))),
        GrantHolder::Group(_) | GrantHolder::ApiKey(_) => Err(Problem::internal().into()),
    }
}

/// Take a permission back
///
/// It holds for the next request already.
#[utoipa::path(
    delete,
    path = "/v1/user-permissions/{id}",
    tag = tag::PERMISSIONS,
    operation_id = "deleteUserPermission",
    params(
        ("id" = String, Path, description = "The permission's id.", example = "grant_01jhmpfn80e48s5s0q7b7cwx5e"),
        TenantQuery,
    ),
    responses((status = 204, description = "The permission is gone.")),
)]
async fn delete(
    State(accounts): State<Accounts>,
    permit: Permit,
    Id(id): Id<GrantId>,
    Query(query): Query<TenantQuery>,
) -> Result<StatusCode> {
    must_be_active(&permit, query.tenant()?)?;
    accounts
        .delete_grant(&Caller::from(&permit), HolderKind::User, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
