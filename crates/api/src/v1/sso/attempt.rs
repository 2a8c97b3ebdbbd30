//! `/v1/sso/connections/{id}/attempts`: the last tries, each with the clause that failed.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::Caller;
use vestibule_handler::Result;
use vestibule_http::{Json, PathId};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{AttemptId, ConnectionId, Email, Role, SsoAttempt, Timestamp, UserId};

use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::SingleSignOn;

pub(super) fn routes() -> Documented {
    Documented::bearer().add(Rule::signed_in().role(Role::Admin), routes!(list))
}

/// One try to sign in.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoAttempt)]
struct Attempt {
    /// The try's id.
    #[schema(value_type = String)]
    id: AttemptId,
    /// The time at which it ended.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// Its purpose: `sign_in`, `test` or `link`.
    #[schema(example = "sign_in")]
    purpose: String,
    /// The clause that failed; null where none did.
    #[schema(required)]
    clause: Option<String>,
    /// The outcome, in one sentence.
    detail: String,
    /// The provider, where it answered.
    #[schema(required)]
    issuer: Option<String>,
    /// The subject that the provider named.
    #[schema(required)]
    subject: Option<String>,
    /// The address it told, proved or not.
    #[schema(value_type = Option<String>, required)]
    email: Option<Email>,
    /// The user it led to.
    #[schema(value_type = Option<String>, required)]
    user_id: Option<UserId>,
    /// The address of the browser.
    #[schema(value_type = Option<String>, required)]
    address: Option<IpAddr>,
    /// The findings of a test.
    #[schema(value_type = Option<Object>, required)]
    report: Option<Value>,
}

impl From<SsoAttempt> for Attempt {
    fn from(attempt: SsoAttempt) -> Self {
        let report = attempt.report;
        Self {
            id: attempt.id,
            at: attempt.at,
            purpose: attempt.purpose,
            clause: attempt.clause,
            detail: attempt.detail,
            issuer: attempt.issuer,
            subject: attempt.subject,
            email: attempt.email,
            user_id: attempt.user_id,
            address: attempt.address,
            report: report.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

/// List the last attempts
///
/// The last 50 of the connection, the newest first.
#[utoipa::path(
    get,
    path = "/v1/sso/connections/{id}/attempts",
    tag = tag::SSO_ADMIN,
    operation_id = "listSsoAttempts",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 200, description = "All of them.", body = Vec<Attempt>)),
)]
async fn list(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<Vec<Attempt>>> {
    let attempts = sso.attempts(&Caller::from(&permit), id).await?;
    Ok(Json(attempts.into_iter().map(Attempt::from).collect()))
}
