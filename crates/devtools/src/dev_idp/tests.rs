use axum::body::{Body, to_bytes};
use tower::ServiceExt as _;
use vestibule_model::{Digest, OsEntropy, SystemClock};

use super::key::encode;
use super::*;

const CALLBACK: &str = "http://127.0.0.1:8080/v1/auth/sso/callback/connection_1";

fn provider() -> Router {
    let address = "127.0.0.1:9".parse().unwrap();
    let parts = DevIdpParts {
        client_secret: PlainClientSecret::new("s3cret"),
        callbacks: "http://127.0.0.1:8080/v1/auth/sso/callback/".to_owned(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    router(Arc::new(Provider::new(address, parts).unwrap()))
}

async fn ask(router: &Router, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let request = Request::builder()
        .method(method)
        .uri(format!("{PREFIX}{path}"))
        .header(HOST, "127.0.0.1:9")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let location = response.headers().get("location");
    let location = location.map_or("", |it| it.to_str().unwrap()).to_owned();
    let body = to_bytes(response.into_body(), 100_000).await.unwrap();
    (status, location, String::from_utf8(body.to_vec()).unwrap())
}

fn request(change: &[(&str, &str)]) -> String {
    let challenge = encode(Digest::of(b"verifier").as_bytes());
    let mut pairs = vec![
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "st<a>te"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    parameters::with_pairs("/authorize", &pairs)
}

#[tokio::test]
async fn every_page_says_what_the_provider_is() {
    let provider = provider();
    let (status, _, page) = ask(&provider, "GET", &request(&[]), "").await;
    assert_eq!(status, 200);
    assert!(page.contains("Development only."), "{page}");
    assert!(
        page.contains("st&lt;a&gt;te") && !page.contains("<a>"),
        "{page}"
    );
    let (_, _, page) = ask(&provider, "GET", "/end-session", "").await;
    assert!(page.contains("Development only."), "{page}");
    let (_, _, document) = ask(&provider, "GET", "/.well-known/openid-configuration", "").await;
    assert!(document.contains("http://127.0.0.1:9/development-only\""));
    assert!(document.contains("\"development_only\":true"), "{document}");
}

#[tokio::test]
async fn a_request_that_is_not_in_order_is_answered_here_with_what_is_wrong() {
    let provider = provider();
    for (name, value) in [
        ("client_id", "other"),
        ("redirect_uri", "https://evil.example/"),
        (
            "redirect_uri",
            "http://127.0.0.1:8080/v1/auth/sso/callback/x@evil.example",
        ),
        (
            "redirect_uri",
            "http://127.0.0.1:8080/v1/auth/sso/callback/../../x",
        ),
        ("response_type", "token"),
        ("scope", "email"),
        ("code_challenge_method", "plain"),
        ("code_challenge", "short"),
        ("state_is_fine_but_client_id", ""),
    ] {
        let mut change = vec![(name, value), ("email", "cleo@example.com")];
        if value.is_empty() {
            change.push(("client_id", ""));
        }
        let (status, location, page) = ask(&provider, "GET", &request(&change), "").await;
        assert_eq!(
            (status, location.as_str()),
            (400, ""),
            "{name}={value}: {page}"
        );
        let named = name.rsplit("but_").next().unwrap();
        assert!(page.contains(named), "{named}: {page}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_with_secret_redirect_and_verifier() {
    let provider = provider();
    let form = |code: &str, change: &[(&str, &str)]| {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("client_secret", "s3cret"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "verifier"),
        ];
        for (name, value) in change {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        parameters::with_pairs("", &pairs)[1..].to_owned()
    };
    let picked = request(&[("email", "cleo@example.com")]);
    for (change, error) in [
        (
            vec![("client_secret", "wrong")],
            "the client secret is wrong",
        ),
        (vec![("client_id", "other")], "client_id is unknown here"),
        (vec![("redirect_uri", "x")], "redirect_uri is not the one"),
        (vec![("code_verifier", "x")], "code_verifier does not fit"),
        (vec![("code", "x")], "code is unknown"),
    ] {
        let (_, location, _) = ask(&provider, "GET", &picked, "").await;
        let code = parameters::Parameters::read(location.split_once('?').unwrap().1.as_bytes());
        let code = code.get("code").unwrap();
        let (status, _, body) = ask(&provider, "POST", "/token", &form(code, &change)).await;
        assert!(status >= 400 && body.contains(error), "{status} {body}");
    }
    let (status, location, _) = ask(&provider, "GET", &picked, "").await;
    assert_eq!(status, 303);
    let back = parameters::Parameters::read(location.split_once('?').unwrap().1.as_bytes());
    assert_eq!(back.get("state"), Some("st<a>te"));
    assert_eq!(back.get("iss"), Some("http://127.0.0.1:9/development-only"));
    let form = form(back.get("code").unwrap(), &[]);
    let (status, _, body) = ask(&provider, "POST", "/token", &form).await;
    assert_eq!(status, 200, "{body}");
    let (status, _, body) = ask(&provider, "POST", "/token", &form).await;
    assert!(status == 400 && body.contains("invalid_grant"), "{body}");
}

#[tokio::test]
async fn nobody_talks_to_it_under_another_name() {
    let request = Request::builder()
        .uri(format!("{PREFIX}/jwks"))
        .header(HOST, "rebound.example:9")
        .body(Body::empty())
        .unwrap();
    let response = provider().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn it_listens_on_loopback_alone() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let parts = DevIdpParts {
        client_secret: PlainClientSecret::new("s3cret"),
        callbacks: String::new(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    assert!(serve(listener, parts, std::future::pending()).is_err());
}
