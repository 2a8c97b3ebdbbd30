//! `/v1/tenants`: the caller's organisations.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::Accounts;
use vestibule_handler::Result;
use vestibule_http::{Json, PathId, Query};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{Name, Organization, OrganizationId, PlanName, Plans, Role, Timestamp};

use crate::Documented;
use crate::openapi::tag;
use crate::page::{PageQuery, Paged};
use crate::schema::RoleSchema;

pub(crate) fn routes() -> Documented {
    Documented::bearer()
        .add(Rule::signed_in(), routes!(list))
        .add(Rule::signed_in(), routes!(get))
}

/// Stands for no bound where clients want a number.
const UNBOUNDED_SEATS: u32 = i32::MAX.unsigned_abs();

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
struct Tenant {
    /// The organisation's id.
    #[schema(value_type = String, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: OrganizationId,
    /// Its name.
    #[schema(value_type = String, example = "Example")]
    name: Name,
    /// Your role there; always `USER` for a narrowed key.
    #[schema(value_type = Option<RoleSchema>)]
    role: Option<Role>,
    /// Always null: an organisation may have several owners.
    #[schema(value_type = Option<Object>, required)]
    owner: Option<()>,
    /// Its public profile.
    settings: TenantSettings,
    /// Most members that `plan` allows; 2147483647 where it sets no bound.
    #[schema(minimum = 1)]
    seats: u32,
    /// The plan it is on; always `free` for a narrowed key, whatever it is.
    #[schema(value_type = String, example = "team")]
    plan: PlanName,
    /// The same as `plan`.
    #[schema(value_type = String, example = "team")]
    subscription_id: PlanName,
    /// The time of its creation.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// The public profile of an organisation.
#[derive(Debug, Serialize, ToSchema)]
struct TenantSettings {
    /// The language of its mails and pages.
    #[schema(example = "en")]
    language: &'static str,
    /// Its own description of itself.
    #[schema(required)]
    description: Option<String>,
    /// Its time zone.
    #[schema(example = "UTC")]
    timezone: &'static str,
    /// The name on its pages.
    #[schema(value_type = String, example = "Example")]
    display_name: Name,
    /// The link by which people may join.
    invite_link: InviteLink,
}

/// A link that lets people join.
#[derive(Debug, Serialize, ToSchema)]
struct InviteLink {
    /// True if there is one.
    enabled: bool,
    /// The role of people who join by it.
    #[schema(value_type = RoleSchema)]
    role: Role,
}

impl Tenant {
    fn new(organization: Organization, role: Option<Role>, plans: &Plans) -> Self {
        let seats = plans.get_or_bare(&organization.plan).seats;
        Self {
            id: organization.id,
            role,
            owner: None,
            settings: TenantSettings {
                language: "en",
                description: None,
                timezone: "UTC",
                display_name: organization.name.clone(),
                invite_link: InviteLink {
                    enabled: false,
                    role: Role::User,
                },
            },
            name: organization.name,
            seats: seats.unwrap_or(UNBOUNDED_SEATS).max(1),
            subscription_id: organization.plan.clone(),
            plan: organization.plan,
            created_at: organization.created_at,
        }
    }
}

/// List your organisations
///
/// All that you are an active member of, whichever of them the credential is for. A credential that
/// comes by an organisation's identity provider, and a narrowed key, see their own alone.
#[utoipa::path(
    get,
    path = "/v1/tenants",
    tag = tag::TENANTS,
    operation_id = "listTenants",
    params(PageQuery),
    responses((status = 200, description = "One page of them.", body = Paged<Tenant>)),
)]
async fn list(
    State(accounts): State<Accounts>,
    permit: Permit,
    Query(query): Query<PageQuery>,
) -> Result<Json<Paged<Tenant>>> {
    let page = query.page()?;
    let organizations = accounts.organizations(&permit, page).await?;
    let shown = |(organization, role)| Tenant::new(organization, Some(role), accounts.plans());
    Ok(Json(Paged::new(page, organizations, shown)))
}

/// Get one of your organisations
///
/// Any that `GET /v1/tenants` lists.
#[utoipa::path(
    get,
    path = "/v1/tenants/{id}",
    tag = tag::TENANTS,
    operation_id = "getTenant",
    params(("id" = String, Path, description = "The organisation's id.", example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 200, description = "The organisation.", body = Tenant)),
)]
async fn get(
    State(accounts): State<Accounts>,
    permit: Permit,
    PathId(id): PathId<OrganizationId>,
) -> Result<Json<Tenant>> {
    let (organization, role) = accounts.organization(&permit, id).await?;
    Ok(Json(Tenant::new(
        organization,
        Some(role),
        accounts.plans(),
    )))
}
