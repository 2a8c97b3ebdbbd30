//! `/v1/sso/domains`: the e-mail domains of an organisation.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::Caller;
use vestibule_accounts::limits::SSO_DOMAIN_CHECKS;
use vestibule_handler::Result;
use vestibule_http::{Fields, Json, PathId};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{ConnectionId, DomainId, DomainName, Role, SsoDomain, Timestamp};

use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::SingleSignOn;

pub(super) fn routes() -> Documented {
    let owner = || Rule::signed_in().role(Role::Owner);
    Documented::bearer()
        .add(Rule::signed_in().role(Role::Admin), routes!(list))
        .add(owner(), routes!(add))
        .add(owner().limit(SSO_DOMAIN_CHECKS), routes!(verify))
        .add(owner(), routes!(remove))
}

/// An e-mail domain of the organisation. It counts for nothing until it is proved.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoDomain)]
struct Domain {
    /// The domain's id.
    #[schema(value_type = String, example = "domain_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: DomainId,
    /// Its name.
    #[schema(value_type = String, example = "example.com")]
    name: DomainName,
    /// The connection by which its people sign in; null for the organisation's first.
    #[schema(value_type = Option<String>, required)]
    connection_id: Option<ConnectionId>,
    /// The TXT record that proves it.
    record: TxtRecord,
    /// The time at which it was claimed.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// The time at which it was verified.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    verified_at: Option<Timestamp>,
}

/// A TXT record of the DNS.
#[derive(Serialize, ToSchema)]
struct TxtRecord {
    /// Its name.
    #[schema(example = "_vestibule-challenge.example.com")]
    name: String,
    /// Its text.
    value: String,
}

impl From<SsoDomain> for Domain {
    fn from(domain: SsoDomain) -> Self {
        Self {
            id: domain.id,
            record: TxtRecord {
                name: domain.record_name(),
                value: domain.record_value(),
            },
            name: domain.name,
            connection_id: domain.connection_id,
            created_at: domain.created_at,
            verified_at: domain.verified_at,
        }
    }
}

/// A domain to be claimed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddSsoDomain {
    /// Its name.
    #[schema(example = "example.com")]
    domain: String,
    /// The connection by which its people sign in; the organisation's first where left out.
    connection_id: Option<String>,
}

/// List the domains
///
/// Proved or not.
#[utoipa::path(
    get,
    path = "/v1/sso/domains",
    tag = tag::SSO_ADMIN,
    operation_id = "listSsoDomains",
    responses((status = 200, description = "All of them.", body = Vec<Domain>)),
)]
async fn list(SingleSignOn(sso): SingleSignOn, permit: Permit) -> Result<Json<Vec<Domain>>> {
    let domains = sso.domains(&Caller::from(&permit)).await?;
    Ok(Json(domains.into_iter().map(Domain::from).collect()))
}

/// Claim a domain
///
/// The answer has the TXT record that proves it.
#[utoipa::path(
    post,
    path = "/v1/sso/domains",
    tag = tag::SSO_ADMIN,
    operation_id = "addSsoDomain",
    request_body = AddSsoDomain,
    responses(
        (status = 201, description = "The domain.", body = Domain),
        (status = 409, description = "The domain is taken, or there are as many as there may be."),
    ),
)]
async fn add(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    Json(body): Json<AddSsoDomain>,
) -> Result<(StatusCode, Json<Domain>)> {
    let mut fields = Fields::default();
    let connection = fields.parse_optional("connection_id", body.connection_id.as_deref());
    fields.finish()?;
    let caller = Caller::from(&permit);
    let domain = sso.add_domain(&caller, &body.domain, connection).await?;
    Ok((StatusCode::CREATED, Json(domain.into())))
}

/// Prove a domain
///
/// Looks for its TXT record now.
#[utoipa::path(
    post,
    path = "/v1/sso/domains/{id}/verify",
    tag = tag::SSO_ADMIN,
    operation_id = "verifySsoDomain",
    params(("id" = String, Path, description = "The domain's id.", example = "domain_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses(
        (status = 200, description = "The domain is proved.", body = Domain),
        (status = 409, description = "The DNS does not have the record, or another organisation has proved the domain."),
    ),
)]
async fn verify(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<DomainId>,
) -> Result<Json<Domain>> {
    let domain = sso.verify_domain(&Caller::from(&permit), id).await?;
    Ok(Json(domain.into()))
}

/// Give up a domain
#[utoipa::path(
    delete,
    path = "/v1/sso/domains/{id}",
    tag = tag::SSO_ADMIN,
    operation_id = "removeSsoDomain",
    params(("id" = String, Path, description = "The domain's id.", example = "domain_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 204, description = "The domain is given up.")),
)]
async fn remove(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<DomainId>,
) -> Result<StatusCode> {
    sso.remove_domain(&Caller::from(&permit), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
