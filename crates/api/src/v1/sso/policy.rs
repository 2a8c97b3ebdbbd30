//! `/v1/sso/policy`: who has to sign in through the provider.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::{Caller, SsoPolicy};
use vestibule_handler::Result;
use vestibule_http::Json;
use vestibule_layer::{Permit, Rule};
use vestibule_model::{Role, Timestamp, UserId};

use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::SingleSignOn;

pub(super) fn routes() -> Documented {
    Documented::bearer()
        .add(Rule::signed_in().role(Role::Admin), routes!(get))
        .add(Rule::signed_in().role(Role::Owner), routes!(change))
}

/// The rule by which the organisation's people have to sign in.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoPolicy)]
struct Policy {
    /// True if they have to sign in through the provider.
    enforced: bool,
    /// Since when.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    enforced_since: Option<Timestamp>,
    /// Owners who may sign in by password all the same.
    #[schema(value_type = Vec<String>)]
    break_glass: Vec<UserId>,
}

impl From<SsoPolicy> for Policy {
    fn from(policy: SsoPolicy) -> Self {
        Self {
            enforced: policy.enforced_since.is_some(),
            enforced_since: policy.enforced_since,
            break_glass: policy.break_glass,
        }
    }
}

/// A change of the policy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeSsoPolicy {
    /// True if people have to sign in through the provider.
    enforced: Option<bool>,
    /// The owners who may sign in by password all the same, and no others.
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    break_glass: Option<Vec<UserId>>,
}

/// Get the policy
#[utoipa::path(
    get,
    path = "/v1/sso/policy",
    tag = tag::SSO_ADMIN,
    operation_id = "getSsoPolicy",
    responses((status = 200, description = "The policy.", body = Policy)),
)]
async fn get(SingleSignOn(sso): SingleSignOn, permit: Permit) -> Result<Json<Policy>> {
    let policy = sso.sso_policy(&Caller::from(&permit)).await?;
    Ok(Json(policy.into()))
}

/// Change the policy
///
/// Enforcing needs a connection that is enabled, and an owner who can come in without it. Sessions
/// in the organisation that began with a password end with it, but for those of break-glass owners.
#[utoipa::path(
    patch,
    path = "/v1/sso/policy",
    tag = tag::SSO_ADMIN,
    operation_id = "changeSsoPolicy",
    request_body = ChangeSsoPolicy,
    responses(
        (status = 200, description = "The policy.", body = Policy),
        (status = 409, description = "Nobody could come in any more."),
    ),
)]
async fn change(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    Json(body): Json<ChangeSsoPolicy>,
) -> Result<Json<Policy>> {
    let caller = Caller::from(&permit);
    let owners = body.break_glass.as_deref();
    let policy = sso
        .change_sso_policy(&caller, body.enforced, owners)
        .await?;
    Ok(Json(policy.into()))
}
