//! A sign-in that begins with an address on our page and goes through a provider that others
//! wrote.

use serde_json::json;
use vestibule_e2e::{Backend, Browser, OidcProvider};

use super::assert_alone;
use crate::providers::{client, connect, house, unknown, usual};

#[tokio::test]
async fn an_address_of_the_domain_leads_through_the_provider_to_the_page_asked_for() {
    let house = house(Backend::Sqlite).await;
    let mut provider = OidcProvider::start(json!({ "algorithms": ["RS256"], "pkce": true })).await;
    provider.enter(&client(&unknown(), &json!({}))).await;
    let application = "https://application.example/callback";
    let connection = connect(&house, usual(&provider), application).await;
    provider.enter(&client(&connection, &json!({}))).await;

    let browser = Browser::start().await;
    browser.open(&house, "/account/sessions").await;
    browser.fill("#f-email", "carol@acme.example").await;
    browser.click(".card form button").await;
    // The domain may use both; the password is offered below.
    assert_alone(&browser, &house).await;
    browser.click(".card a.button").await;
    browser.arrived_at(provider.issuer()).await;
    browser.fill("input[name=login]", "carol").await;
    browser
        .fill("input[name=password]", "anything will do")
        .await;
    browser.click("button[type=submit]").await;
    // Its consent.
    browser.click("button[type=submit]").await;
    browser.arrived(&house, "/account/sessions").await;
    browser.click(".user > summary").await;
    let menu = browser.text(".user .panel").await;
    assert!(menu.contains("carol@acme.example"), "{menu}");
    assert_eq!(browser.text(".user summary").await, "Acme");
    let cookie = browser.cookie("__Host-vestibule").await.unwrap();
    assert_eq!((cookie.http_only, cookie.secure), (Some(true), Some(true)));
    browser.click(".user form[action='/sign-out'] button").await;
    let way = browser.attribute(".card a.button", "href").await.unwrap();
    assert!(way.starts_with(provider.issuer()), "{way}");
    let call = house.get("/api/auth/session").cookie(&cookie.value);
    call.send().await.expect(401);
    assert_eq!(browser.csp_violations().await, [""; 0]);
}
