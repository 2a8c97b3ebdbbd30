//! Who may call what at all.

use http::StatusCode;
use http::header::ORIGIN;
use serde_json::json;
use vestibule_layer::Accepts;
use vestibule_policy::rule::LimitPer;

use crate::fixture::{Fixture, OUR_ORIGIN};

/// The routes that need no credential. This list only shrinks: a route that joins it does so with
/// a reason that convinces whoever reads the change.
///
/// Those of single sign-on are on the way to a credential: the provider's answer, a one-time code
/// or a token that the provider signed stands in its place.
const OPEN: [&str; 17] = [
    "GET /",
    "GET /.well-known/jwks.json",
    "GET /healthz",
    "GET /openapi.json",
    "GET /problems",
    "GET /v1/auth/sso/callback/{connection_id}",
    "GET /v1/auth/sso/{tenant_id}/signin",
    "GET /v1/auth/sso/{tenant_id}/start",
    "GET /v1/auth/sso/{tenant_id}/test",
    "POST /api/auth/sign-in",
    "POST /api/auth/sign-out",
    "POST /v1/auth/discover",
    "POST /v1/auth/pw/signin",
    "POST /v1/auth/signout",
    "POST /v1/auth/sso/backchannel-logout/{connection_id}",
    "POST /v1/auth/sso/initiate",
    "POST /v1/auth/sso/token",
];

/// A path of the route, with an id that nothing has.
fn path_of(template: &str) -> String {
    let mut path = template.to_owned();
    for name in ["{id}", "{tenant_id}", "{connection_id}"] {
        path = path.replace(name, "00000000-0000-7000-8000-000000000000");
    }
    path
}

#[tokio::test]
async fn without_a_credential_only_these_routes_answer() {
    let fixture = Fixture::new().await;
    let mut open = Vec::new();
    for route in fixture.table().routes() {
        let call = fixture.call(route.method, &path_of(route.template));
        let answer = call.header(ORIGIN, OUR_ORIGIN).send().await;
        let refused = answer.status == StatusCode::UNAUTHORIZED
            && answer.text_at("/reason") == "no_credential";
        if !refused {
            open.push(format!("{} {}", route.method, route.template));
        }
    }
    open.sort();
    assert_eq!(open, OPEN);
}

#[tokio::test]
async fn a_good_credential_is_enough_to_be_told_what_is_wrong() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    for route in fixture.table().routes() {
        let call = fixture.call(route.method, &path_of(route.template));
        let call = call.bearer(&key).header(ORIGIN, OUR_ORIGIN);
        let answer = call.json(&json!({ "unexpected": 1 })).send().await;
        let name = format!("{} {}: {}", route.method, route.template, answer.text);
        assert!(!answer.status.is_server_error(), "{name}");
        if answer.status == StatusCode::UNAUTHORIZED {
            // Not the caller's credential, but what the provider's answer lacks.
            assert!(
                route.template.starts_with("/v1/auth/sso/callback"),
                "{name}"
            );
        }
        if answer.status.is_client_error() && route.kind.accepts == Accepts::BearerOrCookie {
            assert!(answer.json()["error"].is_string(), "{name}");
        } else if answer.status.is_client_error() {
            assert!(answer.json()["detail"].is_string(), "{name}");
            assert_eq!(answer.json()["status"], answer.status.as_u16(), "{name}");
        }
    }
}

/// What a provider's answer brings beside what is needed is the provider's affair.
const BEARS_MORE: &str = "/v1/auth/sso/callback";

#[tokio::test]
async fn a_query_parameter_that_means_nothing_is_refused_by_name() {
    let fixture = Fixture::new().await;
    let (key, token) = (
        fixture.key(&fixture.engines, &fixture.ada).await,
        fixture.token("ada@example.com").await,
    );
    let mut refused = 0;
    for route in fixture.table().routes() {
        let template = route.template;
        let speaks = template.starts_with("/v1/") || template.starts_with("/api/");
        if !speaks || template.starts_with(BEARS_MORE) {
            continue;
        }
        let path = format!("{}?unheard_of=1", path_of(template));
        let needs_token = ["auth/uat", "switch-org", "sso/link"]
            .iter()
            .any(|part| template.contains(part));
        let credential = if needs_token { &token } else { &key };
        let call = fixture.call(route.method, &path).bearer(credential);
        let answer = call.header(ORIGIN, OUR_ORIGIN).send().await;
        let name = format!("{} {template}: {}", route.method, answer.text);
        if route.kind.accepts == Accepts::BearerOrCookie {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(answer.text_at("/error").contains("unheard_of"), "{name}");
        } else {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            assert_eq!(answer.text_at("/errors/0/field"), "unheard_of", "{name}");
        }
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
}

#[tokio::test]
async fn what_writes_at_every_request_is_limited_for_each_user() {
    let fixture = Fixture::new().await;
    let limits: Vec<_> = fixture
        .table()
        .routes()
        .filter_map(|route| {
            let spec = &route.rule.limits().first()?.spec;
            assert_eq!(spec.per, LimitPer::User);
            assert_eq!(spec.window.as_secs(), 60);
            let (method, template) = (route.method, route.template);
            Some(format!("{method} {template}: {}", spec.count))
        })
        .collect();
    for expected in [
        "DELETE /v1/user-permissions/{id}: 300",
        "PATCH /v1/user-permissions/{id}: 300",
        "POST /v1/api-keys: 600",
        "POST /v1/auth/uat: 60",
        "POST /v1/user-permissions: 300",
    ] {
        assert!(
            limits.iter().any(|limit| limit == expected),
            "{expected}: {limits:?}"
        );
    }
}
