//! Routes described and mounted from one declaration.

#![cfg(feature = "openapi")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use http::Method;
use serde::Deserialize;
use tower::ServiceExt as _;
use utoipa::IntoParams;
use utoipa_axum::routes;
use vestibule_layer::credential::frame::{Prefix, SecretKind, mint};
use vestibule_layer::model::OsEntropy;
use vestibule_layer::openapi::{Documented, components};
use vestibule_layer::{Core, CoreParts, EntryPointExt as _, MemoryDirectory, Permit, Query, Rule};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    #[expect(dead_code, reason = "only its name matters here")]
    part: Option<String>,
}

#[utoipa::path(get, path = "/v1/thing", params(Wanted), responses((status = 200)))]
async fn read(_: Permit, _: Query<Wanted>) {}

#[utoipa::path(
    delete,
    path = "/v1/thing",
    responses((status = 200), (status = 429, description = "Not so often."))
)]
async fn remove(_: Permit) {}

#[tokio::test]
async fn every_handler_of_a_path_is_mounted_described_and_under_its_rule() {
    let documented = Documented::<()>::bearer().add(Rule::signed_in(), routes!(read, remove));
    let (routes, document) = documented.into_parts();
    let item = &document.paths.paths["/v1/thing"];
    let shared = components();
    for operation in [&item.get, &item.delete] {
        let responses = &operation.as_ref().unwrap().responses.responses;
        for status in ["401", "403", "429", "503"] {
            assert!(responses.contains_key(status), "{status}");
            let name = format!("Problem{status}");
            assert!(shared.responses.contains_key(&name), "{name}");
        }
    }
    let described = serde_json::to_value(&document).unwrap();
    let own = &described["paths"]["/v1/thing"]["delete"]["responses"]["429"];
    assert_eq!(own["description"], "Not so often.");
    assert!(own["content"]["application/problem+json"].is_object());
    assert!(own["headers"]["Retry-After"].is_object());

    let (router, rules) = routes.into_parts().unwrap();
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let service = Core::new(CoreParts::new(Arc::new(directory)))
        .entry_point(rules, "http://localhost".parse().unwrap())
        .guard(router);
    let bearer = format!("Bearer {}", key.expose());
    for (method, uri, authorization, status) in [
        (Method::GET, "/v1/thing", Some(&bearer), 200),
        (Method::DELETE, "/v1/thing", Some(&bearer), 200),
        (Method::GET, "/v1/thing", None, 401),
        (Method::DELETE, "/v1/thing", None, 401),
        // Each operation takes the parameters of its own description.
        (Method::GET, "/v1/thing?part=a", Some(&bearer), 200),
        (Method::HEAD, "/v1/thing?part=a", Some(&bearer), 200),
        (Method::GET, "/v1/thing?other=a", Some(&bearer), 422),
        (Method::DELETE, "/v1/thing?part=a", Some(&bearer), 422),
    ] {
        let mut request = Request::builder().method(&method).uri(uri);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{method} {uri}");
    }
}
