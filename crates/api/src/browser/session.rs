//! `/api/auth/session` and `switch-org`: who is signed in, and for which organisation.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::{Accounts, KeyView, SessionView};
use vestibule_handler::{Result, session_cookie};
use vestibule_http::{Fields, Json, Problem};
use vestibule_layer::{Permit, Refusal, Rule};
use vestibule_model::{
    CredentialRef, Email, Name, Organization as ModelOrganization, OrganizationId, PlanName, Role,
    User as ModelUser, UserId,
};

use super::calling_key::CallingKey;
use super::set_cookie::{SetCookie, set_cookie};
use crate::ApiState;
use crate::Documented;
use crate::openapi::tag;
use crate::schema::RoleSchema;

pub(crate) fn routes() -> Documented {
    Documented::browser()
        .add(Rule::signed_in(), routes!(get))
        .add(Rule::signed_in().not_by_key(), routes!(switch))
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserUser)]
pub(crate) struct User {
    /// The person's id.
    #[schema(value_type = String, example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: UserId,
    /// The address the person signs in with; null for a narrowed key.
    #[schema(value_type = Option<String>, format = "email", required, example = "user@example.com")]
    email: Option<Email>,
    /// Given name, where known.
    #[schema(value_type = Option<String>, required)]
    first_name: Option<Name>,
    /// Family name, where known.
    #[schema(value_type = Option<String>, required)]
    last_name: Option<Name>,
}

impl From<ModelUser> for User {
    fn from(user: ModelUser) -> Self {
        Self {
            id: user.id,
            email: Some(user.email),
            first_name: user.first_name,
            last_name: user.last_name,
        }
    }
}

/// An organisation, and what the user is there.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserOrganization)]
pub(crate) struct Organization {
    /// The organisation's id.
    #[schema(value_type = String, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: OrganizationId,
    /// Its name.
    #[schema(value_type = String, example = "Example")]
    name: Name,
    /// The user's role there.
    #[schema(value_type = RoleSchema)]
    role: Role,
}

impl From<(ModelOrganization, Role)> for Organization {
    fn from((organization, role): (ModelOrganization, Role)) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            role,
        }
    }
}

/// The plan of the active organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserPlan)]
struct Plan {
    /// The plan's name.
    #[schema(value_type = String, example = "team")]
    name: PlanName,
    /// The features that it includes.
    #[schema(example = json!(["agents"]))]
    features: BTreeSet<String>,
    /// The limits that it sets.
    #[schema(example = json!({ "requests_per_minute": 600 }))]
    limits: BTreeMap<String, u64>,
}

/// The signed-in user, and the organisation of the session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserSession)]
struct Session {
    /// The user.
    user: User,
    /// The active organisation.
    organization: Organization,
    /// All organisations that the user is an active member of, the oldest first; only the active one
    /// where the credential came by its provider, or is a narrowed key.
    organizations: Vec<Organization>,
    /// The plan of the active organisation; for a narrowed key `free` without features and limits,
    /// whatever it is.
    plan: Plan,
    /// The key itself, where it is narrowed; absent for every other credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<CallingKey>,
}

impl Session {
    fn new(view: SessionView) -> Self {
        Self {
            user: view.user.into(),
            organization: (view.active, view.role).into(),
            organizations: view.organizations.into_iter().map(Into::into).collect(),
            plan: Plan {
                name: view.plan.name,
                features: view.plan.features,
                limits: view.plan.limits,
            },
            key: None,
        }
    }
}

/// Tells the holder of a narrowed key nothing of its user but the id.
impl From<KeyView> for Session {
    fn from(view: KeyView) -> Self {
        let plan = Plan {
            name: view.organization.plan.clone(),
            features: BTreeSet::new(),
            limits: BTreeMap::new(),
        };
        let organization = Organization::from((view.organization, Role::User));
        Self {
            user: User {
                id: view.user_id,
                email: None,
                first_name: None,
                last_name: None,
            },
            organizations: vec![organization.clone()],
            organization,
            plan,
            key: Some(CallingKey::new(view.key, view.grants)),
        }
    }
}

/// Returns the session
///
/// The user, the active organisation, the others to switch to, and what the plan includes. A session
/// that came by an organisation's identity provider shows no other. A narrowed key is told its
/// owner's id alone, and what it is itself.
#[utoipa::path(
    get,
    path = "/api/auth/session",
    tag = tag::BROWSER,
    operation_id = "getSession",
    responses((status = 200, description = "The session.", body = Session)),
)]
async fn get(State(accounts): State<Accounts>, permit: Permit) -> Result<Json<Session>> {
    Ok(Json(match accounts.key_view(&permit).await? {
        Some(key) => key.into(),
        None => Session::new(accounts.session_view(&permit).await?),
    }))
}

/// The organisation to switch to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SwitchOrganization {
    /// One of the user's organisations.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    organization_id: String,
}

impl SwitchOrganization {
    fn validate(&self) -> Result<OrganizationId, Problem> {
        let mut fields = Fields::default();
        let id = fields.parse("organizationId", &self.organization_id);
        fields.finish_with(id)
    }
}

/// The organisation that is active now.
#[derive(Debug, Serialize, ToSchema)]
struct SwitchedOrganization {
    /// Always true.
    ok: bool,
    /// The organisation that is active now.
    organization: Organization,
}

/// Switch to another organisation
///
/// The cookie gets a new value, and the old one is dead. Of two requests with one cookie, one wins.
#[utoipa::path(
    post,
    path = "/api/auth/switch-org",
    tag = tag::BROWSER,
    operation_id = "switchOrganization",
    request_body = SwitchOrganization,
    responses(
        (status = 200, description = "Switched.", body = SwitchedOrganization,
            headers(("Set-Cookie" = String, description = "The new value of the session cookie."))),
        (status = 404, description = "The user is no active member of that organisation."),
        (status = 409, description = "Another request changed the session meanwhile."),
    ),
    security(("sessionCookie" = [])),
)]
async fn switch(
    State(state): State<ApiState>,
    permit: Permit,
    headers: HeaderMap,
    Json(body): Json<SwitchOrganization>,
) -> Result<(SetCookie, Json<SwitchedOrganization>)> {
    let CredentialRef::SessionCookie(_) = permit.credential() else {
        return Err(Refusal::CredentialKind {
            presented: permit.credential().kind(),
            accepts: "the session cookie",
        }
        .into());
    };
    let organization = body.validate()?;
    let presented = session_cookie(&headers, &state.cookie)?;
    let switched = state
        .accounts
        .switch_organization(&permit, &presented, organization)
        .await?;
    let cookie = set_cookie(state.cookie.set(&switched.cookie))?;
    let answer = SwitchedOrganization {
        ok: true,
        organization: (switched.organization, switched.role).into(),
    };
    Ok((cookie, Json(answer)))
}
