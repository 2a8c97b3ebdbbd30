//! `/v1/users`: who is calling.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::{Accounts, KeyView, Me};
use vestibule_handler::Result;
use vestibule_http::Json;
use vestibule_layer::{Permit, Rule};
use vestibule_model::{Email, Name, OrganizationId, Role, UserId};

use crate::Documented;
use crate::openapi::tag;
use crate::schema::RoleSchema;
use crate::v1::api_key::CallingKey;

pub(crate) fn routes() -> Documented {
    Documented::bearer().add(Rule::signed_in(), routes!(me))
}

/// A user, as seen in the organisation of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    /// The user's id.
    #[schema(value_type = String, example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: UserId,
    /// The address the user signs in with; null for a narrowed key.
    #[schema(value_type = Option<String>, format = "email", required, example = "user@example.com")]
    email: Option<Email>,
    /// Given name, where known.
    #[schema(value_type = Option<String>, required)]
    first_name: Option<Name>,
    /// Family name, where known.
    #[schema(value_type = Option<String>, required)]
    last_name: Option<Name>,
    /// The way in which the user signed in: `PASSWORD`, or `TENANT` through the organisation's own
    /// identity provider. Of a key: `TENANT` if it was created after such a sign-in, or its owner
    /// has no other way in; always `PASSWORD` where it is narrowed.
    #[schema(example = "PASSWORD")]
    idp_type: &'static str,
    /// The organisation of this request.
    #[schema(value_type = String, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    current_tenant_id: OrganizationId,
    /// The user's role there; always `USER` for a narrowed key.
    #[schema(value_type = RoleSchema)]
    current_tenant_role: Role,
    /// The organisation that a sign-in begins in unless it names another.
    #[schema(value_type = String, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    default_tenant_id: OrganizationId,
    /// The language of mails and pages.
    #[schema(example = "en")]
    language_preference: &'static str,
    /// The way in which the user joined the organisation: always `ADDED`, by an administrator or at
    /// the first sign-in through the organisation's identity provider.
    #[schema(example = "ADDED")]
    join_method: &'static str,
    /// The key itself, where it is narrowed; absent for every other credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<CallingKey>,
}

impl From<Me> for User {
    fn from(me: Me) -> Self {
        Self {
            id: me.user.id,
            email: Some(me.user.email),
            first_name: me.user.first_name,
            last_name: me.user.last_name,
            idp_type: if me.by_provider { "TENANT" } else { "PASSWORD" },
            current_tenant_id: me.organization_id,
            current_tenant_role: me.role,
            default_tenant_id: me.default_organization_id,
            language_preference: "en",
            join_method: "ADDED",
            key: None,
        }
    }
}

/// Tells the holder of a narrowed key nothing of its user but the id.
impl From<KeyView> for User {
    fn from(view: KeyView) -> Self {
        Self {
            id: view.user_id,
            email: None,
            first_name: None,
            last_name: None,
            idp_type: "PASSWORD",
            current_tenant_id: view.organization.id,
            current_tenant_role: Role::User,
            default_tenant_id: view.organization.id,
            language_preference: "en",
            join_method: "ADDED",
            key: Some(CallingKey::new(view.key, view.grants)),
        }
    }
}

/// Returns the caller
///
/// The user behind the credential: who signed in, or who owns the key. A narrowed key is told its
/// owner's id alone, and what it is itself.
#[utoipa::path(
    get,
    path = "/v1/users/me",
    tag = tag::USERS,
    operation_id = "getMe",
    responses((status = 200, description = "The user.", body = User)),
)]
async fn me(State(accounts): State<Accounts>, permit: Permit) -> Result<Json<User>> {
    Ok(Json(match accounts.key_view(&permit).await? {
        Some(key) => key.into(),
        None => accounts.me(&permit).await?.into(),
    }))
}
