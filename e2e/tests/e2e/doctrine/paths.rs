//! Paths in another spelling than the one plain one.

use rstest::rstest;
use vestibule_e2e::{Backend, Fixture};

const SPELLINGS: &[&str] = &[
    "//v1/documents",
    "/v1//documents",
    "/v1/documents//",
    "/v1/./documents",
    "/v1/documents/.",
    "/v1/x/../documents",
    "/v1/documents/..",
    "/../v1/documents",
    "/v1/%2e/documents",
    "/v1/x/%2e%2e/documents",
    "/v1/x/.%2E/documents",
    "/v1%2fdocuments",
    "/v1%2Fdocuments",
    "/v1%5cdocuments",
    "/v1\\documents",
    "/v1/%64ocuments",
    "/%76%31/documents",
    "/v1/documents%00",
    "/v1/documents%0a",
    "/v1/documents%25",
    "/v1/documents%252e",
    "/v1/documents;a=b",
    "/v1;/documents",
    "/v1/documents%3b",
    "/v1/documents%",
    "/v1/documents%2",
    "/v1/documents%zz",
    "/v1/documents/%ff",
    "/v1/documents/%c0%af",
    "/v1/documents/%ed%a0%80",
    "/healthz/../v1/documents",
    "/healthz/%2e%2e/v1/documents",
    "/.well-known/jwks.json/..",
    "/api/./auth/session",
];

#[rstest]
#[tokio::test]
async fn only_the_plain_spelling_of_a_path_is_judged(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let authorized = format!("authorization: Bearer {}\r\n", fixture.key());
    for spelling in SPELLINGS {
        for credential in ["", &authorized] {
            let answer = fixture
                .raw(format!(
                    "GET {spelling} HTTP/1.1\r\nhost: e2e\r\n{credential}connection: close\r\n\r\n"
                ))
                .await;
            assert_eq!(answer.status(), Some(400), "{spelling}: {}", answer.text);
            let body = answer.json();
            assert_eq!(
                body["reason"], "path_not_canonical",
                "{spelling}: {}",
                answer.text
            );
            assert_eq!(body["request_id"], answer.header("x-request-id"));
        }
    }
    // What the parser of the wire refuses by itself, and what is another path.
    let cases: [(&[u8], &[u16]); 8] = [
        (b"/v1/documents\xc3\xa4", &[400]),
        (b"/v1/documents\xff", &[400]),
        (b"/v1/docu ments", &[400]),
        (b"/v1/documents\x01", &[400]),
        (b"/v1/documents/", &[400, 404]),
        (b"/V1/documents", &[404]),
        (b"/v1/Documents", &[404]),
        (b"v1/documents", &[400]),
    ];
    for (target, expected) in cases {
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target);
        request.extend_from_slice(b" HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n");
        request.extend_from_slice(format!("{authorized}\r\n").as_bytes());
        let answer = fixture.raw(request).await;
        let status = answer.status().unwrap();
        assert!(
            expected.contains(&status),
            "{}: {}",
            String::from_utf8_lossy(target),
            answer.text
        );
    }
}
