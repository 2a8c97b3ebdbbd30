//! Methods that a path does not have.

use rstest::rstest;
use vestibule_e2e::{Backend, Fixture};

use super::is_problem;

#[rstest]
#[tokio::test]
async fn unknown_methods_are_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    for method in [
        "PUT", "OPTIONS", "TRACE", "PROPFIND", "get", "X", "PATCH", "DELETE",
    ] {
        let known = fixture
            .call(method, "/v1/documents")
            .bearer(fixture.key())
            .send()
            .await
            .expect(405);
        assert_eq!(known.header("allow"), "GET, HEAD, POST");
        is_problem(&known, false);
        let stranger = fixture
            .call(method, "/v1/documents")
            .send()
            .await
            .expect(401);
        assert!(!stranger.headers.contains_key("allow"), "{method}");
        // Where every method is public, the list is, too.
        let public = fixture.call(method, "/healthz").send().await.expect(405);
        assert_eq!(public.header("allow"), "GET, HEAD");
        is_problem(&public, false);
    }
    // No header of ours lets another origin's page read an answer.
    let preflight = fixture
        .call("OPTIONS", "/api/auth/sign-in")
        .origin("https://evil.example");
    let preflight = preflight
        .header("access-control-request-method", "POST")
        .send()
        .await;
    assert_eq!(preflight.status, 405);
    assert!(
        preflight
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("access-control"))
    );

    // A HEAD is a GET without a body.
    let get = fixture
        .get("/v1/documents")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    let head = fixture
        .call("HEAD", "/v1/documents")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    assert_eq!(head.text, "");
    assert_eq!(head.header("content-length"), get.text.len().to_string());
    let refused = fixture
        .call("HEAD", "/v1/documents")
        .send()
        .await
        .expect(401);
    assert_eq!(
        (&*refused.text, refused.header("www-authenticate")),
        ("", "Bearer")
    );
    // A method does not ride in a header or a query.
    let call = fixture.post("/v1/documents").bearer(fixture.key());
    call.header("x-http-method-override", "GET")
        .send()
        .await
        .expect(400);
}

#[rstest]
#[tokio::test]
async fn request_lines_that_no_client_sends_are_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let rest = format!(
        "host: e2e\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        fixture.key()
    );
    for (line, expected) in [
        ("CONNECT example.com:443 HTTP/1.1", &[400, 404, 405][..]),
        ("CONNECT /v1/documents HTTP/1.1", &[400, 405]),
        ("OPTIONS * HTTP/1.1", &[400, 404, 405]),
        ("GET * HTTP/1.1", &[400, 404]),
        ("TRACE /v1/documents HTTP/1.1", &[405]),
        ("GET /v1/documents HTTP/2.0", &[400, 505]),
        ("GET /v1/documents HTTP/0.9", &[400, 505]),
        ("GET /v1/documents", &[400]),
        ("GET  /v1/documents HTTP/1.1", &[400]),
        ("G\u{e4}T /v1/documents HTTP/1.1", &[400]),
        ("GET /v1/documents HTTP/1.1 x", &[400]),
        ("GET http://evil.example/v1/nowhere HTTP/1.1", &[400, 404]),
        ("GET http://evil.example//v1/documents HTTP/1.1", &[400]),
        ("GET evil.example:80 HTTP/1.1", &[400, 404]),
    ] {
        let answer = fixture.raw(format!("{line}\r\n{rest}")).await;
        let status = answer
            .status()
            .unwrap_or_else(|| panic!("{line}: {}", answer.text));
        assert!(expected.contains(&status), "{line}: {}", answer.text);
        assert!(!answer.text.contains("materialized_path"), "{line}");
    }
}
