//! Requests that no route reads.

use axum::body::Body;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE};
use rstest::rstest;

use crate::fixture::Fixture;

const KEYS: &str = "/v1/api-keys";

#[rstest]
#[case("", 400, "missing_body")]
#[case("{", 400, "malformed_json")]
#[case(r#"{"name":"a"} {}"#, 400, "malformed_json")]
#[case(r#"{"name":"a","name":"b"}"#, 422, "duplicate_field")]
#[case(
    r#"{"name":"a","grants":[{"path":"/a","path":"/b"}]}"#,
    422,
    "duplicate_field"
)]
#[case(r#"{"name":null}"#, 422, "wrong_type")]
#[case("null", 422, "wrong_type")]
#[case("7", 422, "wrong_type")]
#[tokio::test]
async fn a_body_is_read_strictly(
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] reason: &str,
) {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let call = fixture.post(KEYS).bearer(&key);
    let call = call.header(CONTENT_TYPE, "application/json");
    let answer = call.body(Body::from(body)).send().await;
    assert_eq!(
        answer.refusal(),
        (status, reason.to_owned()),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_body_of_another_type_or_size_is_refused() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let call = fixture.post(KEYS).bearer(&key);
        let call = call.header(CONTENT_TYPE, content_type);
        let answer = call.body(Body::from("{}")).send().await;
        assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()));
    }
    let call = fixture.post(KEYS).bearer(&key);
    let call = call.header(CONTENT_TYPE, "application/json");
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(1024 * 1024));
    let answer = call.body(Body::from(large)).send().await;
    assert_eq!(answer.refusal(), (413, "body_too_large".to_owned()));
}

/// However much is wrong, the answer is short.
#[tokio::test]
async fn a_list_that_is_too_long_is_refused_as_a_whole() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let refuse = async |count| {
        let wrong = serde_json::json!({ "path": "", "capability": "" });
        let body = serde_json::json!({ "name": "a", "grants": vec![wrong; count] });
        let answer = fixture.post(KEYS).bearer(&key).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer
    };
    let answer = refuse(20_000).await;
    assert_eq!(answer.refusal(), (422, "too_many_grants".to_owned()));
    let errors = &answer.json()["errors"];
    assert_eq!(errors.as_array().map(Vec::len), Some(1));
    // Two fields are wrong in each.
    let answer = refuse(50).await;
    let errors = &answer.json()["errors"];
    assert_eq!(errors.as_array().map(Vec::len), Some(50));
    let detail = answer.text_at("/detail");
    assert!(detail.contains("(99 more fields were refused)"), "{detail}");
}

#[tokio::test]
async fn another_method_is_told_which_would_do() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let answer = fixture.call("PUT", KEYS).bearer(&key).send().await;
    assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
    assert_eq!(answer.header(ALLOW), Some("GET, HEAD, POST"));
    let stranger = fixture.call("PUT", KEYS).send().await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let public = fixture.call("DELETE", "/healthz").send().await;
    assert_eq!(public.status, StatusCode::METHOD_NOT_ALLOWED);
    let head = fixture.call("HEAD", "/").send().await;
    assert_eq!((head.status, &*head.text), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_route_that_is_not_there_is_found_by_nobody() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let known = fixture.get("/v1/nothing").bearer(&key).send().await;
    assert_eq!(known.refusal(), (404, "no_such_route".to_owned()));
    let stranger = fixture.get("/v1/nothing").send().await;
    assert_eq!(stranger.refusal(), (401, "no_credential".to_owned()));
    let browser = fixture.get("/api/nothing").bearer(&key).send().await;
    assert_eq!(browser.status, StatusCode::NOT_FOUND);
    assert!(browser.json()["error"].is_string());
}

#[rstest]
#[case("/v1/%61pi-keys")]
#[case("/v1//api-keys")]
#[case("/v1/../v1/api-keys")]
#[case("/v1/api-keys/")]
#[tokio::test]
async fn a_path_has_one_spelling(#[case] path: &str) {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let answer = fixture.get(path).bearer(&key).send().await;
    assert!(
        matches!(answer.status.as_u16(), 400 | 404),
        "{path}: {}",
        answer.text
    );
}
