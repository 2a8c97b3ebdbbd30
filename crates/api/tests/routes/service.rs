//! What needs no credential.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use insta::assert_json_snapshot;

use crate::house::House;

#[tokio::test]
async fn the_server_says_what_it_is() {
    let house = House::new().await;
    let answer = house.get("/").send().await;
    assert_json_snapshot!(answer.json(), @r#"
    {
      "docs": "/openapi.json",
      "service": "Vestibule"
    }
    "#);
}

#[tokio::test]
async fn the_health_is_the_database_s() {
    let house = House::new().await;
    let answer = house.get("/healthz").send().await;
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
    let house = House::new().await;
    let answer = house.get("/.well-known/jwks.json").send().await;
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
    let house = House::new().await;
    let document = house.get("/openapi.json").send().await;
    assert_eq!(document.header(CONTENT_TYPE), Some("application/json"));
    assert_eq!(document.json()["openapi"], "3.1.0");
    let problems = house.get("/problems").send().await;
    assert_eq!(
        problems.header(CONTENT_TYPE),
        Some("text/html; charset=utf-8")
    );
    assert!(problems.text.contains("id=\"no_credential\""));
}
