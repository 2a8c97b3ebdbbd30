//! `/v1/api-keys`: credentials for servers.

mod current;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::limits;
use vestibule_accounts::{Accounts, CreatedApiKey, NarrowedApiKey, NewApiKey, NewGrant};
use vestibule_handler::Result;
use vestibule_http::body::Object;
use vestibule_http::{Fields, Json, PathId, Problem};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{ApiKeyId, Capability, Grant, Name, ResourcePath, Timestamp};

use crate::Documented;
use crate::openapi::tag;
use crate::schema::CapabilitySchema;

pub(super) use current::CallingKey;

pub(crate) fn routes() -> Documented {
    Documented::bearer()
        .add(
            Rule::signed_in().limit(limits::NEW_API_KEYS),
            routes!(create),
        )
        .add(Rule::signed_in(), routes!(list))
        .add(Rule::signed_in(), routes!(get))
        .add(Rule::signed_in(), routes!(delete))
        .merge(current::routes())
}

/// The properties of a new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateApiKey {
    /// Your name for it.
    #[schema(min_length = 1, max_length = 100, example = "my-service-key")]
    name: String,
    /// The time of its expiry; left out or null for never.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// The grants that narrow it. Left out or null, it has all your rights.
    #[schema(value_type = Option<Vec<NewKeyGrant>>, min_items = 1, max_items = 50)]
    grants: Option<Vec<Object<NewKeyGrant>>>,
}

/// One path that a narrowed key may act on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKeyGrant {
    /// The path on which it holds, with all below.
    #[schema(example = "/shared/eng")]
    path: String,
    /// The capability that it gives there, as far as your own rights reach.
    #[schema(value_type = CapabilitySchema)]
    capability: String,
    /// True if it also allows approving.
    #[serde(default)]
    can_approve: bool,
}

impl CreateApiKey {
    fn validate(self) -> Result<NewApiKey, Problem> {
        let mut fields = Fields::default();
        let name: Option<Name> = fields.parse("name", &self.name);
        let expires_at = self
            .expires_at
            .and_then(|text| fields.take("expires_at", Timestamp::parse(&text)));
        // Not each of them, where there are more than any key has.
        let grants = self.grants.filter(|grants| {
            let most = Grant::MAX_PER_API_KEY;
            let is_too_long = grants.len() > most;
            if is_too_long {
                let message = format!("must have at most {most} entries");
                fields.refuse("grants", "too_many_grants", message);
            }
            !is_too_long
        });
        let grants = grants.map(|grants| {
            let grants = grants.iter().enumerate();
            grants
                .filter_map(|(at, Object(grant))| grant.validate(&mut fields, at))
                .collect()
        });
        let new = name.map(|name| {
            NewApiKey::named(name)
                .expiring(expires_at)
                .narrowed_to(grants)
        });
        fields.finish_with(new)
    }
}

impl NewKeyGrant {
    fn validate(&self, fields: &mut Fields, at: usize) -> Option<NewGrant> {
        let path: Option<ResourcePath> = fields.parse(&format!("grants[{at}].path"), &self.path);
        let capability: Option<Capability> =
            fields.parse(&format!("grants[{at}].capability"), &self.capability);
        Some(NewGrant {
            path: path?,
            capability: capability?,
            can_approve: self.can_approve,
        })
    }
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct ApiKey {
    /// The key's id.
    #[schema(value_type = String, example = "key_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: ApiKeyId,
    /// Its owner's name for it.
    #[schema(value_type = String, example = "my-service-key")]
    name: Name,
    /// The last four characters of the secret.
    #[schema(example = "x7Qd")]
    key_suffix: String,
    /// The time of its creation.
    #[schema(value_type = String, format = "date-time", example = "2025-01-15T10:00:00Z")]
    created_at: Timestamp,
    /// The time of its expiry; null for never.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    expires_at: Option<Timestamp>,
    /// The time of its last use, to the minute; null if unused.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    last_used_at: Option<Timestamp>,
    /// The grants that narrow it; absent where it has all its owner's rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Vec<KeyGrant>>,
}

/// A new key, with its secret, which is why nobody prints it.
#[derive(Serialize, ToSchema)]
struct CreatedKey {
    /// The key's id.
    #[schema(value_type = String, example = "key_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: ApiKeyId,
    /// Its owner's name for it.
    #[schema(value_type = String, example = "my-service-key")]
    name: Name,
    /// The key itself. Store it now: it is shown this once.
    #[schema(example = "ks_live_…")]
    key: String,
    /// Its last four characters, as lists show them.
    #[schema(example = "x7Qd")]
    key_suffix: String,
    /// The time of its creation.
    #[schema(value_type = String, format = "date-time", example = "2025-01-15T10:00:00Z")]
    created_at: Timestamp,
    /// The time of its expiry; null for never.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    expires_at: Option<Timestamp>,
    /// The grants that narrow it; absent where it has all its owner's rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Vec<KeyGrant>>,
}

/// A grant that narrows a key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyGrant {
    /// The path on which it holds, with all below.
    #[schema(value_type = String, example = "/shared/eng")]
    path: ResourcePath,
    /// The capability that it gives there, as far as the owner's own rights reach.
    #[schema(value_type = CapabilitySchema)]
    capability: Capability,
    /// True if it also allows approving.
    can_approve: bool,
}

fn key_grants(grants: Option<Vec<Grant>>) -> Option<Vec<KeyGrant>> {
    let shown = |grant: Grant| KeyGrant {
        path: grant.path,
        capability: grant.capability,
        can_approve: grant.can_approve,
    };
    grants.map(|grants| grants.into_iter().map(shown).collect())
}

impl From<NarrowedApiKey> for ApiKey {
    fn from((key, grants): NarrowedApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            key_suffix: key.suffix,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            grants: key_grants(grants),
        }
    }
}

impl From<CreatedApiKey> for CreatedKey {
    fn from(created: CreatedApiKey) -> Self {
        Self {
            id: created.key.id,
            name: created.key.name,
            key: created.secret.expose().to_owned(),
            key_suffix: created.key.suffix,
            created_at: created.key.created_at,
            expires_at: created.key.expires_at,
            grants: key_grants(created.grants),
        }
    }
}

/// Create an API key
///
/// The key acts in the organisation of this request with your own rights as they are at each
/// moment, or with those of them that `grants` names. The full key is in this answer and never
/// again.
#[utoipa::path(
    post,
    path = "/v1/api-keys",
    tag = tag::API_KEYS,
    operation_id = "createApiKey",
    request_body = CreateApiKey,
    responses(
        (status = 201, description = "The key, with its secret.", body = CreatedKey),
        (status = 409, description = "You have as many keys as one may have."),
    ),
)]
async fn create(
    State(accounts): State<Accounts>,
    permit: Permit,
    Json(body): Json<CreateApiKey>,
) -> Result<(StatusCode, Json<CreatedKey>)> {
    let new = body.validate()?;
    let created = accounts.create_api_key(&permit, new).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// List your API keys
///
/// Your own keys in the organisation of this request, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/api-keys",
    tag = tag::API_KEYS,
    operation_id = "listApiKeys",
    responses((status = 200, description = "All of them.", body = Vec<ApiKey>)),
)]
async fn list(State(accounts): State<Accounts>, permit: Permit) -> Result<Json<Vec<ApiKey>>> {
    let keys = accounts.api_keys(&permit).await?;
    Ok(Json(keys.into_iter().map(ApiKey::from).collect()))
}

/// Get one of your API keys
#[utoipa::path(
    get,
    path = "/v1/api-keys/{id}",
    tag = tag::API_KEYS,
    operation_id = "getApiKey",
    params(("id" = String, Path, description = "The key's id.", example = "key_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 200, description = "The key.", body = ApiKey)),
)]
async fn get(
    State(accounts): State<Accounts>,
    permit: Permit,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<ApiKey>> {
    let key = accounts.api_key(&permit, id).await?;
    Ok(Json(key.into()))
}

/// Delete one of your API keys
///
/// When this answers, no request passes with the key any more.
#[utoipa::path(
    delete,
    path = "/v1/api-keys/{id}",
    tag = tag::API_KEYS,
    operation_id = "deleteApiKey",
    params(("id" = String, Path, description = "The key's id.", example = "key_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 204, description = "The key is gone.")),
)]
async fn delete(
    State(accounts): State<Accounts>,
    permit: Permit,
    PathId(id): PathId<ApiKeyId>,
) -> Result<StatusCode> {
    accounts.revoke_api_key(&permit, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
