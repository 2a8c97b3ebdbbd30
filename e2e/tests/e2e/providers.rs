//! Sign-ins through identity providers that others wrote, each set up from a discovery URL, an id
//! and a secret.

mod chromium;
mod lemonldap;
mod oidc_provider;
mod wrong_values;

use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, OidcProvider, Page, Setup, Visitor};

/// The name under which the provider knows us.
const CLIENT: &str = "vestibule of acme";
/// The secret that the provider gave us; it has characters that have to be encoded.
const SECRET: &str = "s3cret: with%signs+and/more of them";
/// The application's redirect URI, where nobody has to listen.
const APPLICATION: &str = "http://127.0.0.1:9/callback";

/// A server whose providers may be on this machine, without TLS.
pub(super) async fn fixture(backend: Backend) -> Fixture {
    Setup::new(backend)
        .with("SSO__ALLOWED_NETWORKS", "127.0.0.0/8")
        .with("SSO__PLAIN_HTTP_HOSTS", "127.0.0.1")
        .start()
        .await
}

/// Makes a connection as its owner does, and lets sign-ins return to a redirect URI; its id and
/// what is to be entered at the provider.
pub(super) async fn connect(fixture: &Fixture, body: Value, redirect_uri: &str) -> Value {
    connect_within(fixture, body, redirect_uri, "acme.example").await
}

/// As [`connect`], for people of this domain.
async fn connect_within(fixture: &Fixture, body: Value, redirect_uri: &str, domain: &str) -> Value {
    let call = fixture.post("/v1/sso/connections").bearer(fixture.key());
    let saved = call.json(body).send().await.expect(201).json();
    let checks = saved["checks"].as_array().unwrap();
    assert!(
        checks.iter().all(|check| check["passed"] == true),
        "{checks:?}"
    );
    let call = fixture.post("/v1/sso/redirect-uris").bearer(fixture.key());
    call.json(json!({ "uri": redirect_uri }))
        .send()
        .await
        .expect(201);
    // Whoever the provider names is within a domain that the operator vouches for.
    let id = saved["connection"]["id"].as_str().unwrap();
    let add = [
        "sso",
        "domain",
        "add",
        fixture.acme(),
        domain,
        "--connection",
        id,
    ];
    fixture.cli_json(&add).await;
    let verify = [
        "sso",
        "domain",
        "verify",
        fixture.acme(),
        domain,
        "--assert",
    ];
    fixture.cli_json(&verify).await;
    saved["connection"].clone()
}

/// What a connection is made from, when the provider does as usual.
pub(super) fn usual(provider: &OidcProvider) -> Value {
    json!({
        "name": "Acme's provider",
        "settings": {
            "issuer": provider.discovery(),
            "client_id": CLIENT,
            "just_in_time": true,
        },
        "client_secret": SECRET,
    })
}

/// What stands for a connection at the provider before there is one: its administrator gives out
/// the id and the secret first.
pub(super) fn unknown() -> Value {
    json!({ "callback_url": "https://not.yet.example/" })
}

/// What the provider's administrator enters for a connection, with these members beside.
pub(super) fn client(connection: &Value, more: &Value) -> Value {
    let mut client = json!({
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [connection["callback_url"]],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
    });
    for (name, value) in more.as_object().unwrap() {
        client[name] = value.clone();
    }
    client
}

/// The sign-in as the description of the product prints it: where the browser is sent.
async fn initiate(fixture: &Fixture, redirect_uri: &str) -> String {
    let body = format!(
        "{{\n\"tenant_id\": \"{}\",\n\"redirect_uri\": \"{redirect_uri}\"\n}}",
        fixture.acme()
    );
    let call = fixture
        .post("/v1/auth/sso/initiate")
        .body("application/json", body);
    call.send().await.expect(200).text_at("/redirect_url")
}

/// Signs in without a browser; the end of the way.
async fn sign_in(fixture: &Fixture, visitor: &mut Visitor, login: &str) -> Page {
    let page = visitor.open(&initiate(fixture, APPLICATION).await).await;
    as_person(visitor, page, login).await
}

/// Goes on as a person, where the provider does not know the visitor from before.
async fn as_person(visitor: &mut Visitor, page: Page, login: &str) -> Page {
    match page.form() {
        Some(_) => OidcProvider::sign_in(visitor, &page, login).await,
        None => page,
    }
}

/// The token with which a way ended at the application.
#[track_caller]
fn token(page: &Page) -> String {
    assert!(page.url.starts_with(APPLICATION), "{page:?}");
    let token = page.parameter("access_token");
    token.unwrap_or_else(|| panic!("no token at {}", page.url))
}

/// Who the server says is calling.
async fn me(fixture: &Fixture, token: &str) -> Value {
    let call = fixture.get("/v1/users/me").bearer(token);
    call.send().await.expect(200).json()
}

/// Signs in for a browser session; the cookie.
async fn session(fixture: &Fixture, visitor: &mut Visitor, login: &str) -> String {
    let url = format!("{}/v1/auth/sso/{}/signin", fixture.url(), fixture.acme());
    let page = visitor
        .open(&format!("{url}?redirect=/api/managed-agents/sessions"))
        .await;
    let page = as_person(visitor, page, login).await;
    assert_eq!(page.status, 200, "{page:?}");
    let cookie = visitor.cookie(fixture.url(), "__Host-vestibule");
    cookie.unwrap().to_owned()
}
