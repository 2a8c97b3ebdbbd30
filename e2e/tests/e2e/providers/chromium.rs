//! A sign-in as a person does it, in a real browser, through a provider that others wrote.

use serde_json::json;
use vestibule_e2e::{Backend, Browser, OidcProvider, Site};

use super::{client, connect, fixture, initiate, me, unknown, usual};

async fn fill_in(browser: &Browser, login: &str) {
    browser.fill("input[name=login]", login).await;
    browser
        .fill("input[name=password]", "anything will do")
        .await;
    browser.follow("button[type=submit]").await;
    // Its consent.
    browser.follow("button[type=submit]").await;
}

#[tokio::test]
async fn a_browser_follows_the_printed_request_to_the_application_and_has_a_session_too() {
    let fixture = fixture(Backend::Sqlite).await;
    let mut provider = OidcProvider::start(json!({ "algorithms": ["RS256"], "pkce": true })).await;
    provider.enter(&client(&unknown(), &json!({}))).await;
    let application = Site::application().await;
    let callback = format!("{}/callback", application.url());
    let connection = connect(&fixture, usual(&provider), &callback).await;
    provider.enter(&client(&connection, &json!({}))).await;

    let browser = Browser::start().await;
    browser.goto(&initiate(&fixture, &callback).await).await;
    fill_in(&browser, "carol").await;
    let url = browser.arrived_at(&callback).await;
    assert_eq!(browser.text("h1").await, "Welcome back");
    let (_, fragment) = url.split_once("#access_token=").unwrap();
    let token = fragment.split('&').next().unwrap();
    assert_eq!(me(&fixture, token).await["email"], "carol@acme.example");
    // What is in a fragment is not sent.
    assert_eq!(application.seen(), ["GET /callback"]);

    let path = "/api/managed-agents/sessions";
    let start = format!("{}/v1/auth/sso/{}/signin", fixture.url(), fixture.acme());
    browser.goto(&format!("{start}?redirect={path}")).await;
    let url = browser
        .arrived_at(&format!("{}{path}", fixture.url()))
        .await;
    assert_eq!(url, format!("{}{path}", fixture.url()));
    assert!(
        browser.page().await.contains("sessions"),
        "{}",
        browser.page().await
    );
    let cookie = browser.cookie("__Host-vestibule").await.unwrap();
    assert_eq!((cookie.http_only, cookie.secure), (Some(true), Some(true)));
    let me = fixture
        .get("/api/auth/session")
        .cookie(&cookie.value)
        .send()
        .await;
    assert_eq!(me.expect(200).json()["user"]["email"], "carol@acme.example");
    assert_eq!(browser.csp_violations().await, [""; 0]);
}
