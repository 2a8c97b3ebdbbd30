//! Where tokens go: to what is registered, byte for byte.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::Backend;

use super::{APP, Wanderer, fixture};

/// What somebody tries who wants a token for `https://your-app.com/auth/callback` elsewhere: what
/// it is, and the text.
const SPELLINGS: &[(&str, &str)] = &[
    ("another host", "https://evil.example/auth/callback"),
    ("a subdomain", "https://x.your-app.com/auth/callback"),
    (
        "a longer host",
        "https://your-app.com.evil.example/auth/callback",
    ),
    (
        "a host with our name in front",
        "https://your-app.comevil.example/auth/callback",
    ),
    (
        "a host with our name behind",
        "https://evilyour-app.com/auth/callback",
    ),
    (
        "user information",
        "https://your-app.com@evil.example/auth/callback",
    ),
    (
        "a user in front of our host",
        "https://evil@your-app.com/auth/callback",
    ),
    (
        "a password in front of our host",
        "https://a:b@your-app.com/auth/callback",
    ),
    (
        "a backslash for a slash",
        "https://evil.example\\@your-app.com/auth/callback",
    ),
    (
        "backslashes throughout",
        "https:\\\\your-app.com\\auth\\callback",
    ),
    ("plain http", "http://your-app.com/auth/callback"),
    ("an upper-case scheme", "HTTPS://your-app.com/auth/callback"),
    ("an upper-case host", "https://Your-App.com/auth/callback"),
    (
        "the port spelled out",
        "https://your-app.com:443/auth/callback",
    ),
    ("another port", "https://your-app.com:8443/auth/callback"),
    ("an empty port", "https://your-app.com:/auth/callback"),
    (
        "a dot behind the host",
        "https://your-app.com./auth/callback",
    ),
    ("a slash at the end", "https://your-app.com/auth/callback/"),
    ("more path", "https://your-app.com/auth/callback/more"),
    ("more letters", "https://your-app.com/auth/callbackx"),
    ("less path", "https://your-app.com/auth"),
    ("no path", "https://your-app.com"),
    (
        "another case in the path",
        "https://your-app.com/Auth/Callback",
    ),
    ("dot segments", "https://your-app.com/auth/x/../callback"),
    (
        "a dot segment that leads away",
        "https://your-app.com/auth/callback/../../evil",
    ),
    (
        "encoded dot segments",
        "https://your-app.com/auth/callback/%2e%2e/evil",
    ),
    ("an encoded slash", "https://your-app.com/auth%2fcallback"),
    ("an encoded letter", "https://your-app.com/auth/%63allback"),
    ("two slashes", "https://your-app.com//auth/callback"),
    ("a path parameter", "https://your-app.com/auth/callback;x=1"),
    ("a query", "https://your-app.com/auth/callback?x=1"),
    ("an empty query", "https://your-app.com/auth/callback?"),
    (
        "a redirect in the query",
        "https://your-app.com/auth/callback?next=https://evil.example",
    ),
    ("a fragment", "https://your-app.com/auth/callback#x"),
    ("an empty fragment", "https://your-app.com/auth/callback#"),
    (
        "a fragment that hides the host",
        "https://evil.example#your-app.com/auth/callback",
    ),
    ("a space in front", " https://your-app.com/auth/callback"),
    ("a space behind", "https://your-app.com/auth/callback "),
    ("a tab within", "https://your-app.com/auth/\tcallback"),
    (
        "a line end behind",
        "https://your-app.com/auth/callback\r\n",
    ),
    (
        "a header behind",
        "https://your-app.com/auth/callback\r\nLocation: https://evil.example",
    ),
    ("a NUL behind", "https://your-app.com/auth/callback\0"),
    (
        "a letter of another script",
        "https://y\u{43e}ur-app.com/auth/callback",
    ),
    (
        "full-width letters",
        "https://your-app.com/auth/\u{ff43}allback",
    ),
    (
        "a full-width dot",
        "https://your-app\u{ff0e}com/auth/callback",
    ),
    (
        "a scheme that runs code",
        "javascript:alert(1)//https://your-app.com/auth/callback",
    ),
    ("data", "data:text/html,https://your-app.com/auth/callback"),
    ("no scheme", "//your-app.com/auth/callback"),
    ("a path alone", "/auth/callback"),
    ("three slashes", "https:///your-app.com/auth/callback"),
    ("one slash", "https:/your-app.com/auth/callback"),
    (
        "two of them",
        "https://your-app.com/auth/callback,https://evil.example",
    ),
    (
        "two of them with a space",
        "https://your-app.com/auth/callback https://evil.example",
    ),
    ("a wildcard", "https://*.your-app.com/auth/callback"),
    ("nothing", ""),
];

#[rstest]
#[tokio::test]
async fn no_other_spelling_of_a_redirect_uri_is_accepted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    assert!(SPELLINGS.len() >= 30);
    for (what, uri) in SPELLINGS {
        for mode in ["fragment", "code"] {
            let body = json!({
                "tenant_id": fixture.acme(), "redirect_uri": uri, "response_mode": mode,
            });
            let call = fixture.post("/v1/auth/sso/initiate").json(body);
            let refused = call.send().await.expect(422);
            let errors = refused.json()["errors"].take();
            assert_eq!(errors[0]["field"], "redirect_uri", "{what}: {errors}");
            let reason = errors[0]["reason"].as_str();
            assert_eq!(reason, Some("redirect_uri_not_registered"), "{what}");
        }
        // Nor where the browser begins, past initiate.
        let query = form(&[("redirect_uri", uri)]);
        for path in [
            format!("/v1/auth/sso/{}/start?{query}", fixture.acme()),
            format!("/v1/auth/sso/initiate?tenant_id={}&{query}", fixture.acme()),
        ] {
            let method = if path.contains("/start") {
                "GET"
            } else {
                "POST"
            };
            let refused = fixture.call(method, &path).send().await;
            assert_eq!(refused.status, 422, "{what}: {path}");
            assert_eq!(refused.header("location"), "", "{what}");
        }
    }
    // Twice in one query, and one in the query with another in the body.
    let twice = format!(
        "/v1/auth/sso/{}/start?{}",
        fixture.acme(),
        form(&[
            ("redirect_uri", APP),
            ("redirect_uri", "https://evil.example/")
        ])
    );
    let refused = fixture.get(&twice).send().await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    let path = format!("/v1/auth/sso/initiate?{}", form(&[("redirect_uri", APP)]));
    let body = json!({ "tenant_id": fixture.acme(), "redirect_uri": "https://evil.example/" });
    let refused = fixture.post(&path).json(body).send().await.expect(422);
    assert!(refused.text.contains("ambiguous_field"), "{}", refused.text);

    // The one that is registered is still good.
    let body = json!({ "tenant_id": fixture.acme(), "redirect_uri": APP });
    let call = fixture.post("/v1/auth/sso/initiate").json(body);
    call.send().await.expect(200);
}

#[rstest]
#[tokio::test]
async fn a_browser_is_sent_to_pages_of_this_server_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    for page in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "console",
        "/x#y",
        "/x y",
        "/x\r\nSet-Cookie: a=b",
    ] {
        let query = form(&[("redirect", page)]);
        let path = format!("/v1/auth/sso/{}/signin?{query}", fixture.acme());
        let refused = fixture.get(&path).send().await.expect(422);
        assert!(refused.text.contains("invalid_redirect"), "{page}");
    }
    let mut browser = Wanderer::new(&fixture);
    let start = format!(
        "{}/v1/auth/sso/{}/signin?redirect=",
        fixture.url(),
        fixture.acme()
    );
    let end = browser.sign_in(&start, super::CLEO).await.expect(303);
    assert_eq!(end.header("location"), "/");
}

/// Pairs as a form writes them.
fn form(pairs: &[(&str, &str)]) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    let pair = |(name, value): &(&str, &str)| {
        let value: String = value.bytes().map(byte).collect();
        format!("{name}={value}")
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}
