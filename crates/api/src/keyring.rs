//! `/.well-known/jwks.json`: the keys that access tokens are signed with.

use axum::extract::State;
use http::header::{CACHE_CONTROL, HeaderName};
use serde_json::Value;
use utoipa_axum::routes;
use vestibule_accounts::Accounts;
use vestibule_handler::Result;
use vestibule_http::Json;
use vestibule_layer::Rule;

use crate::Documented;
use crate::openapi::tag;

pub(crate) fn routes() -> Documented {
    Documented::bearer().add_ignoring_query(Rule::public(), routes!(jwks))
}

/// The public signing keys
///
/// A JWK set (RFC 7517) with which anybody can verify access tokens. Read it again when a token
/// names a key that is not in it.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = tag::SERVICE,
    operation_id = "getJwks",
    responses(
        (status = 200, description = "The keys.", body = Object,
            example = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": "jwk_01jhmpfn80e48s5s0q7b7cwx5e", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] })),
        (status = 503, description = "Keys may have been deleted, and the database does not answer."),
    ),
)]
async fn jwks(
    State(accounts): State<Accounts>,
) -> Result<([(HeaderName, &'static str); 1], Json<Value>)> {
    let keys = accounts.jwks().await?;
    Ok(([(CACHE_CONTROL, "public, max-age=300")], Json(keys)))
}
