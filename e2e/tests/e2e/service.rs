//! What the server tells of itself.

use rstest::rstest;
use serde_json::Value;
use vestibule_e2e::{Backend, Fixture};

use crate::support::{members, soon};

#[rstest]
#[tokio::test]
async fn everybody_may_ask_what_the_server_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;

    let health = fixture.get("/healthz").send().await.expect(200);
    assert_eq!(members(&health.json()), ["database_ts", "status"]);
    assert_eq!(health.json()["status"], "healthy");
    assert_eq!(health.header("cache-control"), "no-store");

    let root = fixture.get("/").send().await.expect(200);
    assert_eq!(root.text_at("/docs"), "/openapi.json");

    // The keys are public, and what verifies tokens is all there is of them.
    let jwks = fixture
        .get("/.well-known/jwks.json")
        .send()
        .await
        .expect(200)
        .json();
    for key in jwks["keys"].as_array().unwrap() {
        assert_eq!(members(key), ["alg", "crv", "kid", "kty", "use", "x"]);
        assert_eq!(
            (&key["alg"], &key["crv"]),
            (&"EdDSA".into(), &"Ed25519".into())
        );
    }
    // The header of a token names one of them.
    let token = fixture.token_of(&fixture.bob()).await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    assert!(token.split('.').count() == 3);

    // Junk credentials do not lock anybody out of what is public.
    for path in [
        "/healthz",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/problems",
    ] {
        fixture.get(path).bearer("junk").send().await.expect(200);
        let head = fixture.call("HEAD", path).send().await.expect(200);
        assert_eq!(head.text, "");
    }
}

#[rstest]
#[tokio::test]
async fn the_document_is_complete_and_the_one_that_the_command_prints(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let document = fixture.get("/openapi.json").send().await.expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty(), "{method} {path}");
            names.push(name.to_owned());
            let security = operation["security"].as_array();
            for scheme in security.unwrap().iter().flat_map(members) {
                let known = &document["components"]["securitySchemes"][scheme];
                assert!(known.is_object(), "{method} {path}: {scheme}");
            }
        }
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "each operation has a name of its own");
    for reference in references(&document) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let printed = fixture.cli_json(&["openapi"]).await;
    assert_eq!(printed["paths"], document["paths"]);
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = object
                .get("$ref")
                .and_then(Value::as_str)
                .map(str::to_owned);
            own.into_iter()
                .chain(object.values().flat_map(references))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Every reason that the server gives is explained where `type` says.
#[rstest]
#[tokio::test]
async fn each_problem_leads_to_its_explanation(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let page = fixture.get("/problems").send().await.expect(200);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{:?}",
        page.headers
    );
    let key = fixture.key();
    let answers = [
        fixture.get("/v1/users/me").send().await,
        fixture.get("/v1/users/me").bearer("junk").send().await,
        fixture.get("/v1/nowhere").bearer(key).send().await,
        fixture.call("PUT", "/v1/users/me").bearer(key).send().await,
        fixture.post("/v1/api-keys").bearer(key).send().await,
        fixture
            .post("/v1/api-keys")
            .bearer(key)
            .body("text/plain", "a")
            .send()
            .await,
        fixture.get("/v1/documents/doc_1").bearer(key).send().await,
    ];
    for answer in answers {
        let kind = answer.text_at("/type");
        let (path, anchor) = kind.split_once('#').unwrap();
        assert_eq!(path, "/problems");
        assert_eq!(anchor, answer.reason());
        assert!(page.text.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
}

#[rstest]
#[tokio::test]
async fn probes_and_metrics_are_on_their_own_listener(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    fixture.admin("/livez").send().await.expect(200);
    // Ready once the changes of other processes are heard.
    soon(200, || fixture.admin("/readyz").send()).await;
    for path in ["/livez", "/readyz"] {
        fixture.get(path).send().await.expect(401);
    }
    fixture
        .get("/v1/users/me")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    fixture.get("/v1/users/me").send().await.expect(401);
    let metrics = fixture.admin("/metrics").send().await.expect(200).text;
    for known in [fixture.acme(), &fixture.ada().id, "Acme", fixture.key()] {
        assert!(!metrics.contains(known), "{known} in {metrics}");
    }
    assert!(metrics.contains("_total"), "{metrics}");
    fixture.get("/metrics").send().await.expect(401);
}
