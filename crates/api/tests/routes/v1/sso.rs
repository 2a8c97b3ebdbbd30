//! `/v1/auth/sso` and `/v1/sso`, with a provider on this machine: GitHub's protocol, which a few
//! lines can speak. What OpenID Connect asks for is tested where it is spoken.

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use rstest::rstest;
use serde_json::{Value, json};
use vestibule_accounts::Caller;

use crate::fixture::{Answer, Fixture, OPERATOR};

const APP: &str = "https://app.example/callback";

/// Starts a provider at which Grace has signed in; its URL.
async fn provider() -> String {
    let token = json!({ "access_token": "t", "token_type": "bearer", "scope": "user:email" });
    let user = json!({ "id": 7, "login": "grace", "name": "Grace Hopper" });
    let emails = json!([{ "email": "grace@example.com", "primary": true, "verified": true }]);
    let app = Router::new()
        .route("/login/oauth/access_token", post(async || Json(token)))
        .route("/api/v3/user", get(async || Json(user)))
        .route("/api/v3/user/emails", get(async || Json(emails)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// Engines with a connection, of which Ada is the owner.
struct Connected {
    fixture: Fixture,
    key: String,
    id: String,
    callback: String,
}

impl Connected {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let key = fixture.key(&fixture.engines, &fixture.ada).await;
        let body = json!({
            "name": "The provider",
            "settings": {
                "preset": "github",
                "issuer": provider().await,
                "client_id": "us",
                "just_in_time": true,
            },
            "client_secret": "hush",
        });
        let call = fixture.post("/v1/sso/connections").bearer(&key);
        let made = call.json(&body).send().await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        assert!(!made.text.contains("hush"));
        let id = made.text_at("/connection/id");
        let callback = made.text_at("/connection/callback_url");
        let logout = made.text_at("/connection/backchannel_logout_url");
        let of = |what| format!("https://app.example.com/v1/auth/sso/{what}/{id}");
        assert_eq!(
            (&*callback, &*logout),
            (&*of("callback"), &*of("backchannel-logout"))
        );
        let uris = fixture.post("/v1/sso/redirect-uris").bearer(&key);
        let added = uris.json(&json!({ "uri": APP })).send().await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
        let domains = fixture.post("/v1/sso/domains").bearer(&key);
        let domain = domains
            .json(&json!({ "domain": "example.com" }))
            .send()
            .await;
        assert_eq!(domain.status, StatusCode::CREATED, "{}", domain.text);
        let operator = Caller::operator(&OPERATOR, fixture.engines.id);
        let domain = domain.text_at("/id").parse().unwrap();
        fixture
            .sso
            .assert_domain(&OPERATOR, operator.organization_id(), domain)
            .await
            .unwrap();
        Self {
            callback: callback.replace("https://app.example.com", ""),
            fixture,
            key,
            id,
        }
    }

    async fn initiate(&self, extra: Value) -> Answer {
        let mut body = json!({ "tenant_id": self.fixture.engines.id, "redirect_uri": APP });
        let members = extra.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(members);
        let call = self.fixture.post("/v1/auth/sso/initiate");
        call.json(&body).send().await
    }

    /// A browser that follows `start` to the provider and comes back.
    async fn follow(&self, start: &str) -> Answer {
        let start = start.replace("https://app.example.com", "");
        let sent = self.fixture.get(&start).send().await;
        assert!(sent.status.is_redirection(), "{}", sent.text);
        self.arrive(&sent, &sent.cookie()).await
    }

    async fn arrive(&self, sent: &Answer, cookie: &str) -> Answer {
        let path = format!("{}?code=c&state={}", self.callback, state_of(sent));
        self.fixture.get(&path).header(COOKIE, cookie).send().await
    }
}

fn state_of(sent: &Answer) -> String {
    let location = sent.header(LOCATION).unwrap();
    let (_, rest) = location.split_once("&state=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

fn is_private(answer: &Answer) {
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
    assert_eq!(answer.header(REFERRER_POLICY), Some("no-referrer"));
}

async fn me(fixture: &Fixture, token: &str) -> String {
    let answer = fixture.get("/v1/users/me").bearer(token).send().await;
    answer.text_at("/email")
}

#[tokio::test]
async fn the_application_gets_a_token_in_the_fragment_that_is_good_for_users_me() {
    let connected = Connected::new().await;
    let begun = connected.initiate(json!({ "state": "mine" })).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    is_private(&begun);
    let arrived = connected.follow(&begun.text_at("/redirect_url")).await;
    assert_eq!(arrived.status, StatusCode::SEE_OTHER, "{}", arrived.text);
    is_private(&arrived);
    let location = arrived.header(LOCATION).unwrap();
    let fragment = location.strip_prefix(&format!("{APP}#")).unwrap();
    let value = |name: &str| {
        let mut pairs = fragment.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
    };
    assert_eq!(value("token_type"), "bearer");
    assert_eq!(value("state"), "mine");
    let email = me(&connected.fixture, &value("access_token")).await;
    assert_eq!(email, "grace@example.com");
}

#[tokio::test]
async fn a_one_time_code_is_exchanged_once_where_it_came_to() {
    let connected = Connected::new().await;
    let begun = connected.initiate(json!({ "response_mode": "code" })).await;
    let arrived = connected.follow(&begun.text_at("/redirect_url")).await;
    let location = arrived.header(LOCATION).unwrap();
    let code = location.strip_prefix(&format!("{APP}?code=")).unwrap();
    let code = code.split('&').next().unwrap();
    let exchange = async |uri: &str| {
        let call = connected.fixture.post("/v1/auth/sso/token");
        let body = json!({ "code": code, "redirect_uri": uri });
        call.json(&body).send().await
    };
    let elsewhere = exchange("https://app.example/other").await;
    assert_eq!(elsewhere.refusal(), (401, "sso_code".to_owned()));
    let done = exchange(APP).await;
    is_private(&done);
    let email = me(&connected.fixture, &done.text_at("/access_token")).await;
    assert_eq!(email, "grace@example.com");
    assert_eq!(exchange(APP).await.refusal(), (401, "sso_code".to_owned()));
}

#[tokio::test]
async fn a_page_of_ours_gets_a_session_cookie() {
    let connected = Connected::new().await;
    let tenant = connected.fixture.engines.id;
    let path = format!("/v1/auth/sso/{tenant}/signin?redirect=/console");
    let arrived = connected.follow(&path).await;
    assert_eq!(arrived.status, StatusCode::SEE_OTHER, "{}", arrived.text);
    assert_eq!(arrived.header(LOCATION), Some("/console"));
    let fixture = &connected.fixture;
    let session = fixture.get("/api/auth/session").cookie(&arrived.cookie());
    assert_eq!(session.send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_redirect_uri_the_answer_holds_the_token() {
    let connected = Connected::new().await;
    let tenant = connected.fixture.engines.id;
    let path = format!("/v1/auth/sso/initiate?provider=TENANT&tenant_id={tenant}");
    let begun = connected.fixture.post(&path).send().await;
    let arrived = connected.follow(&begun.text_at("/redirect_url")).await;
    is_private(&arrived);
    let email = me(&connected.fixture, &arrived.text_at("/access_token")).await;
    assert_eq!(email, "grace@example.com");
}

#[tokio::test]
async fn a_sign_in_ends_once_and_in_the_browser_that_began_it() {
    let connected = Connected::new().await;
    let tenant = connected.fixture.engines.id;
    let path = format!("/v1/auth/sso/{tenant}/signin");
    let sent = connected.fixture.get(&path).send().await;
    assert_eq!(sent.status, StatusCode::TEMPORARY_REDIRECT);
    let other = connected.fixture.get(&path).send().await.cookie();
    let refused = (401, "sso_state".to_owned());
    for cookie in ["", &other] {
        let stranger = connected.arrive(&sent, cookie).await;
        assert_eq!(stranger.refusal(), refused);
    }
    let own = sent.cookie();
    let first = connected.arrive(&sent, &own).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text);
    assert_eq!(connected.arrive(&sent, &own).await.refusal(), refused);
}

/// What a browser keeps: the last value of each name, until it is taken away.
fn keep(jar: &mut std::collections::BTreeMap<String, String>, answer: &Answer) {
    for cookie in answer.headers.get_all(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        if cookie.contains("Max-Age=0") {
            jar.remove(name);
        } else {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn sent_by(jar: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = jar
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ")
}

#[tokio::test]
async fn tabs_of_one_browser_sign_in_beside_each_other_and_the_oldest_of_many_gives_way() {
    let connected = Connected::new().await;
    let (fixture, tenant) = (&connected.fixture, connected.fixture.engines.id);
    let path = format!("/v1/auth/sso/{tenant}/signin");
    let mut jar = std::collections::BTreeMap::new();
    keep(&mut jar, &fixture.get(&path).send().await);
    // Two that begin at once: neither answer knows of the other.
    let before = sent_by(&jar);
    let one = fixture.get(&path).header(COOKIE, &before).send().await;
    let two = fixture.get(&path).header(COOKIE, &before).send().await;
    keep(&mut jar, &one);
    keep(&mut jar, &two);
    for sent in [&two, &one] {
        let arrived = connected.arrive(sent, &sent_by(&jar)).await;
        assert_eq!(arrived.status, StatusCode::SEE_OTHER, "{}", arrived.text);
        let again = connected.arrive(sent, &sent_by(&jar)).await;
        assert_eq!(again.refusal(), (401, "sso_state".to_owned()));
    }

    let first = fixture
        .get(&path)
        .header(COOKIE, &sent_by(&jar))
        .send()
        .await;
    keep(&mut jar, &first);
    let mut newest = None;
    for _ in 0..30 {
        fixture.clock.advance(std::time::Duration::from_secs(1));
        let sent = fixture
            .get(&path)
            .header(COOKIE, &sent_by(&jar))
            .send()
            .await;
        keep(&mut jar, &sent);
        newest = Some(sent);
        assert!(sent_by(&jar).len() < 8 * 1_024, "{}", sent_by(&jar).len());
    }
    let arrived = connected.arrive(&newest.unwrap(), &sent_by(&jar)).await;
    assert_eq!(arrived.status, StatusCode::SEE_OTHER, "{}", arrived.text);
    let late = connected.arrive(&first, &sent_by(&jar)).await;
    assert_eq!(late.refusal(), (401, "sso_state".to_owned()));
}

#[tokio::test]
async fn a_test_sign_in_shows_what_would_happen_and_does_nothing() {
    let connected = Connected::new().await;
    let path = format!("/v1/sso/connections/{}", connected.id);
    let fixture = &connected.fixture;
    let call = fixture.post(&format!("{path}/test")).bearer(&connected.key);
    let begun = call.send().await;
    let (_, rest) = begun.text.split_once("&state=").unwrap();
    let state = rest.split('&').next().unwrap();
    let back = format!("{}?code=c&state={state}", connected.callback);
    let report = fixture
        .get(&back)
        .header(COOKIE, &begun.cookie())
        .send()
        .await;
    assert_eq!(report.text_at("/email"), "grace@example.com");
    assert!(report.header(SET_COOKIE).is_none());
    let attempts = fixture.get(&format!("{path}/attempts"));
    let attempts = attempts.bearer(&connected.key).send().await;
    assert_eq!(attempts.text_at("/0/purpose"), "test");
    let identities = format!("/v1/sso/identities?user_id={}", fixture.grace.id);
    let identities = fixture.get(&identities).bearer(&connected.key).send().await;
    assert_eq!(identities.json(), json!([]));
}

#[rstest]
#[case::unknown_uri(json!({ "redirect_uri": "https://app.example/callback/" }), 422, "redirect_uri_not_registered")]
#[case::mode(json!({ "response_mode": "query" }), 422, "invalid_value")]
#[case::provider(json!({ "provider": "GOOGLE" }), 422, "invalid_value")]
#[case::tenant(json!({ "tenant_id": "acme" }), 422, "invalid_id")]
#[case::nobodys(json!({ "tenant_id": "tenant_01h455vb4pex5vsknk084sn02q" }), 404, "not_found")]
#[case::not_theirs(json!({ "connection_id": "connection_01h455vb4pex5vsknk084sn02q" }), 404, "not_found")]
#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_said_before_it_begins(
    #[case] extra: Value,
    #[case] status: u16,
    #[case] reason: &str,
) {
    let connected = Connected::new().await;
    let answer = connected.initiate(extra).await;
    assert_eq!(answer.refusal(), (status, reason.to_owned()));
}

#[tokio::test]
async fn discovery_goes_by_the_domain_and_tells_nothing_of_the_address() {
    let connected = Connected::new().await;
    let discover = async |email: &str| {
        let call = connected.fixture.post("/v1/auth/discover");
        call.json(&json!({ "email": email })).send().await.json()
    };
    let password = json!({ "method": "password", "tenant_id": null, "connection_id": null });
    assert_eq!(discover("grace@elsewhere.example").await, password);
    let known = discover("grace@example.com").await;
    assert_eq!(known["method"], "both");
    assert_eq!(known["tenant_id"], json!(connected.fixture.engines.id));
    assert_eq!(discover("nobody@example.com").await, known);
}

#[rstest]
#[case("logout_token=a.b.c", 400)]
#[case("", 400)]
#[tokio::test]
async fn a_logout_token_that_is_none_is_refused(#[case] form: &'static str, #[case] status: u16) {
    let connected = Connected::new().await;
    let path = connected
        .callback
        .replace("/callback/", "/backchannel-logout/");
    let call = connected.fixture.post(&path);
    let call = call.header(
        http::header::CONTENT_TYPE,
        "application/x-www-form-urlencoded",
    );
    let answer = call.body(form.into()).send().await;
    let refused = (status, "logout_token_refused".to_owned());
    assert_eq!(answer.refusal(), refused);
}

#[tokio::test]
async fn a_wrong_value_is_answered_with_which_one_and_why() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let body = json!({
        "name": "Nowhere",
        "settings": { "issuer": "http://idp.example", "client_id": "us" },
        "client_secret": "hush",
    });
    let call = fixture.post("/v1/sso/connections").bearer(&key);
    let answer = call.json(&body).send().await;
    assert_eq!(answer.refusal(), (422, "scheme".to_owned()));
    assert_eq!(answer.text_at("/errors/0/field"), "issuer");
    let call = fixture.post("/v1/sso/connections").bearer(&key);
    let body = json!({ "name": "Nowhere", "settings": {} });
    let answer = call.json(&body).send().await;
    assert_eq!(answer.refusal(), (422, "missing_field".to_owned()));
}

#[tokio::test]
async fn a_group_of_the_provider_is_mapped_once() {
    let connected = Connected::new().await;
    let path = format!("/v1/sso/connections/{}/staged", connected.id);
    let groups = r#"{"eng":["group_01jhmpfn80e48s5s0q7b7cwx5e"],"eng":[]}"#;
    for (field, map) in [
        (
            "role_by_group",
            r#"{"eng":"USER","ops":"USER","eng":"ADMIN"}"#,
        ),
        ("groups_by_group", groups),
    ] {
        let staged = connected.fixture.call("PUT", &path).bearer(&connected.key);
        let staged = staged.header(CONTENT_TYPE, "application/json");
        let body = format!(r#"{{"settings":{{"{field}":{map}}}}}"#);
        let answer = staged.body(Body::from(body)).send().await;
        assert_eq!(answer.refusal(), (422, "duplicate_field".to_owned()));
        let refused = answer.text_at("/errors/0/field");
        assert_eq!(refused, format!("settings.{field}.eng"));
    }
}

#[tokio::test]
async fn a_change_is_staged_and_swapped() {
    let connected = Connected::new().await;
    let path = format!("/v1/sso/connections/{}", connected.id);
    let fixture = &connected.fixture;
    let staged = fixture.call("PUT", &format!("{path}/staged"));
    let body = json!({ "settings": { "client_id": "us-too" } });
    let staged = staged.bearer(&connected.key).json(&body).send().await;
    assert_eq!(staged.text_at("/connection/live/client_id"), "us");
    assert_eq!(staged.text_at("/connection/staged/client_id"), "us-too");
    let swap = fixture.post(&format!("{path}/swap")).bearer(&connected.key);
    let swapped = swap.send().await;
    assert_eq!(swapped.text_at("/live/client_id"), "us-too");
    let disable = fixture.post(&format!("{path}/disable"));
    let disabled = disable.bearer(&connected.key).send().await;
    assert_eq!(disabled.json()["enabled"], false);
    let refused = connected.initiate(json!({})).await;
    assert_eq!(refused.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn the_key_of_a_staged_change_is_fetched_before_the_change_holds() {
    let connected = Connected::new().await;
    let path = format!("/v1/sso/connections/{}", connected.id);
    let (fixture, key) = (&connected.fixture, &connected.key);
    let fetch = async |query: &str| {
        let call = fixture.get(&format!("{path}/client-key{query}"));
        call.bearer(key).send().await
    };
    let nothing = fetch("?which=staged").await;
    assert_eq!(nothing.refusal(), (404, "not_found".to_owned()));
    let body = json!({ "settings": { "client_id": "us-too" } });
    let staged = fixture.call("PUT", &format!("{path}/staged")).bearer(key);
    let staged = staged.json(&body).send().await;
    assert_eq!(staged.status, StatusCode::OK, "{}", staged.text);
    // This one proves itself with a secret, so there is no key to show.
    for query in ["?which=staged", "?which=live", ""] {
        let answer = fetch(query).await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::OK, Value::Null)
        );
    }
    let unheard_of = fetch("?which=next").await;
    assert_eq!(unheard_of.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn nothing_is_enforced_while_no_owner_could_come_in_without_the_provider() {
    let connected = Connected::new().await;
    let fixture = &connected.fixture;
    let change = async |body: Value| {
        let call = fixture
            .call("PATCH", "/v1/sso/policy")
            .bearer(&connected.key);
        call.json(&body).send().await
    };
    let refused = change(json!({ "enforced": true })).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let body = json!({ "enforced": true, "break_glass": [fixture.ada.id] });
    assert_eq!(change(body).await.json()["enforced"], true);
    let body = json!({ "email": "grace@example.com", "password": crate::fixture::PASSWORD });
    let answer = fixture.post("/v1/auth/pw/signin").json(&body).send().await;
    assert_eq!(answer.refusal(), (403, "sso_required".to_owned()));
}

#[tokio::test]
async fn only_administrators_see_connections_and_only_their_own() {
    let connected = Connected::new().await;
    let fixture = &connected.fixture;
    let grace = fixture.key(&fixture.engines, &fixture.grace).await;
    let answer = fixture
        .get("/v1/sso/connections")
        .bearer(&grace)
        .send()
        .await;
    assert_eq!(answer.refusal(), (403, "role_required".to_owned()));
    let other = fixture.key(&fixture.difference, &fixture.ada).await;
    let path = format!("/v1/sso/connections/{}", connected.id);
    let answer = fixture.get(&path).bearer(&other).send().await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
