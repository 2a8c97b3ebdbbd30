//! What needs no credential.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use insta::assert_json_snapshot;

use crate::fixture::Fixture;

#[tokio::test]
async fn the_server_says_what_it_is() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/").send().await;
    assert_json_snapshot!(answer.json(), @r#"
    {
      "docs": "/openapi.json",
      "service": "Vestibule"
    }
    "#);
}

#[tokio::test]
async fn the_health_is_the_database_s() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/healthz").send().await;
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
    assert_json_snapshot!(answer.json(), { ".database_ts" => "[time]" }, @r#"
    {
      "database_ts": "[time]",
      "status": "healthy"
    }
    "#);
}

#[tokio::test]
async fn anybody_may_verify_tokens() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/.well-known/jwks.json").send().await;
    assert_eq!(answer.header(CACHE_CONTROL), Some("public, max-age=300"));
    assert_json_snapshot!(answer.json(), { ".keys[].kid" => "[kid]", ".keys[].x" => "[x]" }, @r#"
    {
      "keys": [
        {
          "alg": "EdDSA",
          "crv": "Ed25519",
          "kid": "[kid]",
          "kty": "OKP",
          "use": "sig",
          "x": "[x]"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn the_document_and_the_list_of_problems_are_public() {
    let fixture = Fixture::new().await;
    let document = fixture.get("/openapi.json").send().await;
    assert_eq!(document.header(CONTENT_TYPE), Some("application/json"));
    assert_eq!(document.json()["openapi"], "3.1.0");
    let problems = fixture.get("/problems").send().await;
    assert_eq!(
        problems.header(CONTENT_TYPE),
        Some("text/html; charset=utf-8")
    );
    assert!(problems.text.contains("id=\"no_credential\""));
}
