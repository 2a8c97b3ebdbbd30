//! Requests that end where one may doubt it, or never.

use rstest::rstest;
use vestibule_e2e::{Backend, Fixture};

/// A request to make a key, with these headers and this body as they stand.
fn post(fixture: &Fixture, headers: &str, body: &str) -> String {
    format!(
        "POST /v1/api-keys HTTP/1.1\r\nhost: e2e\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nconnection: close\r\n{headers}\r\n{body}",
        fixture.key()
    )
}

async fn keys(fixture: &Fixture) -> usize {
    let list = fixture
        .get("/v1/api-keys")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    list.json().as_array().unwrap().len()
}

/// What comes after a request whose end is in doubt is no request.
#[rstest]
#[tokio::test]
async fn smuggled_requests_are_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let body = r#"{"name": "smuggled"}"#;
    let length = body.len();
    let hex = format!("{length:x}");
    let chunked = format!("{hex}\r\n{body}\r\n0\r\n\r\n");
    let inner = format!(
        "GET /v1/users/me HTTP/1.1\r\nhost: e2e\r\nauthorization: Bearer {}\r\n\r\n",
        fixture.key()
    );
    let cases = [
        (
            "two lengths",
            format!("content-length: {length}\r\ncontent-length: 0\r\n"),
            body.to_owned(),
        ),
        (
            "two lengths in one",
            format!("content-length: {length}, 0\r\n"),
            body.to_owned(),
        ),
        (
            "a signed length",
            format!("content-length: +{length}\r\n"),
            body.to_owned(),
        ),
        (
            "a hexadecimal length",
            format!("content-length: 0x{hex}\r\n"),
            body.to_owned(),
        ),
        (
            "a negative length",
            "content-length: -1\r\n".to_owned(),
            body.to_owned(),
        ),
        (
            "an endless length",
            "content-length: 99999999999999999999999\r\n".to_owned(),
            body.to_owned(),
        ),
        (
            "an unknown coding",
            "transfer-encoding: xchunked\r\n".to_owned(),
            chunked.clone(),
        ),
        (
            "chunked, not last",
            "transfer-encoding: chunked, identity\r\n".to_owned(),
            chunked.clone(),
        ),
        (
            "identity",
            "transfer-encoding: identity\r\n".to_owned(),
            chunked.clone(),
        ),
        (
            "a space before the colon",
            format!("content-length : {length}\r\n"),
            body.to_owned(),
        ),
        (
            "a tab in the name",
            "transfer-encoding\t: chunked\r\n".to_owned(),
            chunked.clone(),
        ),
        (
            "a folded header",
            "x: a\r\n transfer-encoding: chunked\r\n".to_owned(),
            chunked.clone(),
        ),
        (
            "a bare CR",
            "x: a\rtransfer-encoding: chunked\r\n".to_owned(),
            chunked,
        ),
    ];
    let before = keys(&fixture).await;
    for (what, headers, body) in cases {
        let answer = fixture.raw(post(&fixture, &headers, &body)).await;
        let status = answer.status();
        assert!(
            status.is_none_or(|status| (400..500).contains(&status) || status == 501),
            "{what}: {}",
            answer.text
        );
        assert!(answer.answers() <= 1, "{what}: {}", answer.text);
        assert!(!answer.text.contains("ada@example.com"), "{what}");
    }
    assert_eq!(keys(&fixture).await, before, "nothing was done");
    // With both lengths the chunks count (RFC 9112, 6.1), and the connection ends there: nothing
    // that another reader might take for a request is one, though nobody asked to close.
    let ends = format!("0\r\n\r\n{inner}");
    for headers in [
        format!(
            "content-length: {}\r\ntransfer-encoding: chunked\r\n",
            ends.len()
        ),
        format!(
            "transfer-encoding: chunked\r\ncontent-length: {}\r\n",
            ends.len()
        ),
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n".to_owned(),
    ] {
        let request = post(&fixture, &headers, &ends).replace("connection: close\r\n", "");
        let answer = fixture.raw(request).await;
        assert_eq!(
            (answer.status(), answer.answers()),
            (Some(400), 1),
            "{}",
            answer.text
        );
    }
    assert_eq!(keys(&fixture).await, before);
    // Nor is the body of a refused request the next request of the connection.
    let request = format!(
        "POST /v1/api-keys HTTP/1.1\r\nhost: e2e\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{inner}",
        inner.len()
    );
    let answer = fixture.raw(request).await;
    assert_eq!(
        (answer.status(), answer.answers()),
        (Some(401), 1),
        "{}",
        answer.text
    );
}

#[rstest]
#[tokio::test]
async fn broken_and_oversized_bodies_are_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let chunked = "transfer-encoding: chunked\r\n";
    let before = keys(&fixture).await;
    for body in [
        "zz\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\nx",
        "2\r\n{}x\r\n0\r\n\r\n",
        "\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
    ] {
        let answer = fixture.raw(post(&fixture, chunked, body)).await;
        assert!(
            answer
                .status()
                .is_none_or(|status| (400..500).contains(&status)),
            "{body:?}: {}",
            answer.text
        );
    }
    // Too large, whether it says so or not.
    let large = "a".repeat(65_536);
    let mut body = String::new();
    for _ in 0..17 {
        body.push_str("10000\r\n");
        body.push_str(&large);
        body.push_str("\r\n");
    }
    body.push_str("0\r\n\r\n");
    let answer = fixture.raw(post(&fixture, chunked, &body)).await;
    assert_eq!(answer.status(), Some(413), "{}", answer.text);
    assert_eq!(answer.json()["reason"], "body_too_large");
    let answer = fixture
        .raw(post(&fixture, "content-length: 1048577\r\n", ""))
        .await;
    assert_eq!(answer.status(), Some(413), "{}", answer.text);
    // Before anything is known of the caller, too.
    let answer = fixture
        .raw(
            "POST /v1/auth/pw/signin HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 18446744073709551615\r\n\r\n",
        )
        .await;
    assert!(
        [400, 413, 431].contains(&answer.status().unwrap()),
        "{}",
        answer.text
    );
    // In parts, and good.
    let parts = "9\r\n{\"name\": \r\n4;x=y\r\n\"ok\"\r\n1\r\n}\r\n0\r\n\r\n";
    let answer = fixture.raw(post(&fixture, chunked, parts)).await;
    assert_eq!(answer.status(), Some(201), "{}", answer.text);
    assert_eq!(keys(&fixture).await, before + 1);
}

#[rstest]
#[tokio::test]
async fn huge_heads_are_refused_and_do_not_hang(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let head = |headers: &str| {
        format!("GET /v1/documents HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n{headers}\r\n")
    };
    let many: Vec<_> = (0..1_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let cases = [
        head(&format!("x-long: {}\r\n", "a".repeat(200_000))),
        head(&format!("cookie: {}\r\n", "a=b; ".repeat(40_000))),
        head(&format!(
            "authorization: Bearer {}\r\n",
            "a".repeat(100_000)
        )),
        head(&many.concat()),
        format!(
            "GET /{} HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n",
            "a".repeat(100_000)
        ),
        "a".repeat(300_000),
        "\r\n".repeat(100_000),
    ];
    for request in cases {
        let answer = fixture.raw(&request).await;
        let expected = answer
            .status()
            .is_none_or(|status| [400, 414, 431].contains(&status));
        assert!(expected, "{}…: {}", &request[..60], answer.text);
    }
    // What fits is judged.
    let answer = fixture
        .raw(head(&format!("x-long: {}\r\n", "a".repeat(30_000))))
        .await;
    assert_eq!(answer.status(), Some(401), "{}", answer.text);
    let answer = fixture
        .raw(head(&format!(
            "authorization: Bearer {}\r\n",
            "a".repeat(20_000)
        )))
        .await;
    assert_eq!(answer.status(), Some(401), "{}", answer.text);
    // Headers that are no text.
    for header in [
        &b"authorization: Bearer \xff\xfe\r\n"[..],
        b"cookie: \xff=\xfe\r\n",
        b"x-\xff: a\r\n",
        b": a\r\n",
        b"x\r\n",
        b"x: \0\r\n",
    ] {
        let mut request =
            b"GET /v1/documents HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n".to_vec();
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
        let answer = fixture.raw(&request).await;
        assert!(
            [400, 401].contains(&answer.status().unwrap()),
            "{header:?}: {}",
            answer.text
        );
    }
    // The server is still there.
    fixture
        .get("/v1/documents")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
}
