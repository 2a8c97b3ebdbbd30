//! The test of `examples/notes.rs`, which the example includes.

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;

use super::service;

#[tokio::test]
async fn the_example_keeps_notes_for_its_key_and_answers_nobody_else() {
    let (service, key) = service().unwrap();
    let bearer = format!("Bearer {}", key.expose());
    let write = |path: &str| {
        let body = format!(r#"{{"path":"{path}","text":"hello"}}"#);
        Request::post("/v1/notes")
            .header("content-type", "application/json")
            .header("authorization", &bearer)
            .body(Body::from(body))
            .unwrap()
    };
    for (path, status) in [("/shared/a", 200), ("no path", 422)] {
        let response = service.clone().oneshot(write(path)).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
    let list = Request::get("/v1/notes").header("authorization", &bearer);
    let response = service.clone().oneshot(list.body(Body::empty()).unwrap());
    let body = response.await.unwrap().into_body();
    let body = axum::body::to_bytes(body, 1_024).await.unwrap();
    assert_eq!(body, r#"["/shared/a: hello"]"#);
    let request = Request::get("/v1/notes").body(Body::empty()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 401);
}
