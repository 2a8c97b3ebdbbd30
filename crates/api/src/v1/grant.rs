//! `/v1/user-permissions`: what members may do on which paths.

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::limits;
use vestibule_accounts::{Accounts, Caller, HolderKind, NewGrant, Page};
use vestibule_handler::Result;
use vestibule_http::{Json, PathId, Problem, Query};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{
    Capability, Grant, GrantHolder, GrantId, OrganizationId, ResourcePath, Role, Timestamp, UserId,
};

use crate::ApiState;
use crate::Documented;
use crate::openapi::tag;
use crate::page::Paged;
use crate::schema::CapabilitySchema;

mod input;
mod order;
mod part;

use input::{CreatePermission, ListQuery, TenantQuery, UpdatePermission};

pub(crate) fn routes() -> Documented {
    let rule = || Rule::signed_in().role(Role::Admin);
    let change = || rule().limit(limits::PERMISSION_CHANGES);
    Documented::bearer()
        .add(change(), routes!(create))
        .add(rule(), routes!(list))
        .add(change(), routes!(update))
        .add(change(), routes!(delete))
}

/// A permission of a member on a path.
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
    /// The path on which it holds, with all below.
    #[schema(value_type = String, example = "/shared/eng")]
    path: ResourcePath,
    /// The same as `path`.
    #[schema(value_type = String, example = "/shared/eng")]
    materialized_path: ResourcePath,
    /// The resource that stands there now; null where none does, or where no service is connected
    /// whose resources have ids.
    #[schema(required, example = "folder_01jhmpfn80e48s5s0q7b7cwx5e")]
    path_part_id: Option<String>,
    /// The capability that it gives there.
    #[schema(value_type = CapabilitySchema)]
    capability: Capability,
    /// True if it also allows approving.
    can_approve: bool,
    /// The time of its creation.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// The time of its last change.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl Permission {
    fn new(user_id: UserId, grant: Grant, path_part_id: Option<String>) -> Self {
        Self {
            id: grant.id,
            tenant_id: grant.organization_id,
            user_id,
            materialized_path: grant.path.clone(),
            path: grant.path,
            path_part_id,
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
        (status = 404, description = "No such member or path part, or another organisation than that of the request."),
        (status = 409, description = "Another permission of the member allows all of it (`subsumed`)."),
    ),
)]
async fn create(
    State(state): State<ApiState>,
    permit: Permit,
    Json(body): Json<CreatePermission>,
) -> Result<(StatusCode, Json<Permission>)> {
    let wanted = body.validate()?;
    must_be_active(&permit, wanted.tenant)?;
    let path = part::path_of(&state, &permit, wanted.place).await?;
    // Asked before, so that nobody is told of a failure when the permission is given.
    let part = part::id_of(&state, &permit, &path).await?;
    let new = NewGrant {
        path,
        capability: wanted.capability,
        can_approve: wanted.can_approve,
    };
    let (caller, user) = (Caller::from(&permit), wanted.user);
    let grant = state.accounts.grant_to_user(&caller, user, new).await?;
    let permission = Permission::new(user, grant, part);
    Ok((StatusCode::CREATED, Json(permission)))
}

/// List a member's permissions
///
/// Those given to the member alone, not those of groups; the oldest first, unless said otherwise.
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
    State(state): State<ApiState>,
    permit: Permit,
    Query(query): Query<ListQuery>,
) -> Result<Json<Paged<Permission>>> {
    let wanted = query.validate()?;
    must_be_active(&permit, wanted.tenant)?;
    let (caller, user) = (Caller::from(&permit), wanted.user);
    let all = Page::first(u32::try_from(Grant::MAX_PER_USER).unwrap_or(u32::MAX));
    let grants = state
        .accounts
        .user_grants(&caller, user, wanted.capability, all);
    let mut listed = grants.await?;
    let (by, direction) = (wanted.sort_by, wanted.sort_dir);
    listed.items = order::sorted(listed.items, by, direction, wanted.page);
    let paths: Vec<_> = listed
        .items
        .iter()
        .map(|grant| grant.path.clone())
        .collect();
    let mut parts = part::ids_of(&state, &permit, &paths).await?.into_iter();
    let shown = |grant| Permission::new(user, grant, parts.next().flatten());
    Ok(Json(Paged::new(wanted.page, listed, shown)))
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
    State(state): State<ApiState>,
    permit: Permit,
    PathId(id): PathId<GrantId>,
    Query(query): Query<TenantQuery>,
    Json(body): Json<UpdatePermission>,
) -> Result<Json<Permission>> {
    let (mut patch, place) = body.validate()?;
    must_be_active(&permit, query.tenant()?)?;
    if let Some(place) = place {
        patch.path = Some(part::path_of(&state, &permit, place).await?);
    }
    let grant = state
        .accounts
        .update_grant(&Caller::from(&permit), HolderKind::User, id, patch)
        .await?;
    // The change is made: that its place cannot be named now must not look like a failure.
    let part = part::id_of(&state, &permit, &grant.path).await;
    let part = part.unwrap_or_else(|problem| {
        tracing::warn!(
            reason = problem.reason(),
            "the place of a permission has no name now"
        );
        None
    });
    match grant.holder {
        GrantHolder::User(user) => Ok(Json(Permission::new(user, grant, part))),
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
    PathId(id): PathId<GrantId>,
    Query(query): Query<TenantQuery>,
) -> Result<StatusCode> {
    must_be_active(&permit, query.tenant()?)?;
    accounts
        .delete_grant(&Caller::from(&permit), HolderKind::User, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
