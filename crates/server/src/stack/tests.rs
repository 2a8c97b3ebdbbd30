use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, HOST};
use http::{Method, StatusCode, Version};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use vestibule_check::{Core, CoreParts, MemoryDirectory, OwnOrigin};
use vestibule_http::Json;
use vestibule_layer::{Routes, Rule};

use super::*;

async fn hang() -> &'static str {
    std::future::pending::<()>().await;
    "never"
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn refuses() -> vestibule_http::Problem {
    vestibule_http::Problem::conflict("taken", "It is taken.")
}

fn service(https: bool) -> impl StackService<Body> {
    stack_of(routes(), https).layers(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
}

fn routes() -> Routes {
    Routes::<()>::bearer()
        .get("/v1/hello", Rule::public(), async || "hello")
        .post("/v1/hello", Rule::public(), async || "hello")
        .post(
            "/v1/echo",
            Rule::public(),
            async |Json(value): Json<Value>| Json(value),
        )
        .post("/v1/hang", Rule::public(), hang)
        .get("/v1/hang", Rule::public(), hang)
        .get("/v1/panic", Rule::public(), panics)
        .get("/v1/taken", Rule::public(), refuses)
}

pub(super) fn stack_of(routes: Routes, https: bool) -> Stack {
    let (router, table) = routes.into_parts().unwrap();
    let origin: OwnOrigin = "https://auth.example.com".parse().unwrap();
    let directory = Arc::new(MemoryDirectory::new());
    Stack {
        entry_point: Core::new(CoreParts::new(directory)).entry_point(table, origin),
        router,
        trusted_proxies: Arc::default(),
        requests: Arc::default(),
        https,
        look: vestibule_web::Look::default(),
    }
}

fn request(method: Method, path: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    request.header(HOST, "auth.example.com")
}

async fn get(path: &str) -> (http::response::Parts, serde_json::Value) {
    let request = request(Method::GET, path)
        .body(axum::body::Body::empty())
        .unwrap();
    let Ok(response) = service(true).oneshot(request).await;
    read(response).await
}

async fn read(response: Response) -> (http::response::Parts, serde_json::Value) {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn every_answer_has_a_name_and_the_headers() {
    for path in ["/v1/hello", "/v1/nothing", "/v1/panic", "/v1//", "/"] {
        let (parts, body) = get(path).await;
        let id = parts.headers["x-request-id"].to_str().unwrap();
        assert_eq!(id.len(), 32, "{path}");
        if !parts.status.is_success() {
            assert_eq!(body["request_id"], id, "{path}");
        }
        assert_eq!(parts.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(parts.headers["referrer-policy"], "same-origin", "{path}");
        assert!(
            parts.headers.contains_key("content-security-policy"),
            "{path}"
        );
        assert!(
            parts.headers.contains_key("strict-transport-security"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn encryption_is_only_demanded_where_there_is_some() {
    let request = request(Method::GET, "/v1/hello")
        .body(axum::body::Body::empty())
        .unwrap();
    let Ok(response) = service(false).oneshot(request).await;
    assert!(!response.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_panic_is_one_500() {
    let (parts, body) = get("/v1/panic").await;
    assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body["reason"], "internal_error");
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_so() {
    let (parts, body) = get("/v1/hang").await;
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["reason"], "timed_out");
    assert_eq!(body["hint"], "Ask again later.");
}

#[tokio::test(start_paused = true)]
async fn only_what_may_have_been_done_is_said_to_be() {
    let request = request(Method::POST, "/v1/hang")
        .body(Body::empty())
        .unwrap();
    let Ok(response) = service(true).oneshot(request).await;
    let (parts, body) = read(response).await;
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    let hint = body["hint"].as_str().unwrap();
    assert!(hint.contains("may have been done"), "{hint}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_send_the_body_is_told_so_and_it_is_no_failure_of_ours() {
    let first = futures_util::stream::iter([Ok::<_, Infallible>("{")]);
    let never = futures_util::stream::pending();
    let body = Body::from_stream(futures_util::StreamExt::chain(first, never));
    let request = request(Method::POST, "/v1/echo")
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let Ok(response) = service(true).oneshot(request).await;
    let (parts, body) = read(response).await;
    assert_eq!(parts.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(
        (&body["reason"], &body["code"]),
        (&json!("body_too_slow"), &json!("error"))
    );
    assert_eq!(parts.headers["connection"], "close");
    assert!(!body["hint"].as_str().unwrap().contains("may have been"));
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let request = request(Method::POST, "/v1/hello")
        .header(CONTENT_LENGTH, 1024 * 1024 + 1)
        .body(axum::body::Body::empty())
        .unwrap();
    let Ok(response) = service(true).oneshot(request).await;
    let (parts, body) = read(response).await;
    assert_eq!(parts.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(body["reason"], "body_too_large");
}

#[tokio::test]
async fn a_problem_of_a_handler_has_the_length_of_its_own_body() {
    let (parts, body) = get("/v1/taken").await;
    assert_eq!(parts.status, StatusCode::CONFLICT);
    assert_eq!(body["reason"], "taken");
    assert!(!parts.headers.contains_key(CONTENT_LENGTH));
}

#[tokio::test]
async fn a_request_names_one_host() {
    let ask = async |version, hosts: &[&str]| {
        let mut request = Request::get("/v1/hello").version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let request = request.body(Body::empty()).unwrap();
        let Ok(response) = service(true).oneshot(request).await;
        read(response).await
    };
    for (version, hosts, status) in [
        (Version::HTTP_11, &["a"][..], 200),
        (Version::HTTP_11, &[], 400),
        (Version::HTTP_11, &["a", "a"], 400),
        (Version::HTTP_10, &[], 200),
        (Version::HTTP_10, &["a", "b"], 400),
    ] {
        let (parts, body) = ask(version, hosts).await;
        assert_eq!(parts.status, status, "{version:?} {hosts:?}");
        if status == 400 {
            assert_eq!(body["reason"], "bad_host");
        }
    }
}
