//! Who may call what at all.

use http::StatusCode;
use http::header::ORIGIN;
use serde_json::json;
use vestibule_layer::Dialect;
use vestibule_policy::rule::LimitPer;

use crate::house::{House, OUR_ORIGIN};

/// The routes that need no credential. This list only shrinks: a route that joins it does so with
/// a reason that convinces whoever reads the change.
const OPEN: [&str; 9] = [
    "GET /",
    "GET /.well-known/jwks.json",
    "GET /healthz",
    "GET /openapi.json",
    "GET /problems",
    "POST /api/auth/sign-in",
    "POST /api/auth/sign-out",
    "POST /v1/auth/pw/signin",
    "POST /v1/auth/signout",
];

/// A path of the route, with an id that nothing has.
fn path_of(template: &str) -> String {
    template.replace("{id}", "00000000-0000-7000-8000-000000000000")
}

#[tokio::test]
async fn without_a_credential_only_these_routes_answer() {
    let house = House::new().await;
    let mut open = Vec::new();
    for route in house.table().routes() {
        let call = house.call(route.method, &path_of(route.template));
        let answer = call.header(ORIGIN, OUR_ORIGIN).send().await;
        if answer.status == StatusCode::UNAUTHORIZED {
            assert_eq!(answer.text_at("/reason"), "no_credential");
        } else {
            open.push(format!("{} {}", route.method, route.template));
        }
    }
    open.sort();
    assert_eq!(open, OPEN);
}

#[tokio::test]
async fn a_good_credential_is_enough_to_be_told_what_is_wrong() {
    let house = House::new().await;
    let key = house.key(&house.engines, &house.ada).await;
    for route in house.table().routes() {
        let call = house.call(route.method, &path_of(route.template));
        let call = call.bearer(&key).header(ORIGIN, OUR_ORIGIN);
        let answer = call.json(&json!({ "unexpected": 1 })).send().await;
        let name = format!("{} {}: {}", route.method, route.template, answer.text);
        assert!(!answer.status.is_server_error(), "{name}");
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        if answer.status.is_client_error() && route.dialect == Dialect::Browser {
            assert!(answer.json()["error"].is_string(), "{name}");
        } else if answer.status.is_client_error() {
            assert!(answer.json()["detail"].is_string(), "{name}");
            assert_eq!(answer.json()["status"], answer.status.as_u16(), "{name}");
        }
    }
}

#[tokio::test]
async fn what_writes_at_every_request_is_limited_for_each_user() {
    let house = House::new().await;
    let limits: Vec<_> = house
        .table()
        .routes()
        .filter_map(|route| {
            let spec = route.rule.limits().first()?.spec;
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
