//! A sign-in that begins with an address on our page and goes through a provider that others
//! wrote.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Browser, BrowserSetup, OidcProvider, Setup};

use super::assert_alone;
use crate::providers::{client, connect, fixture, unknown, usual};

#[tokio::test]
async fn an_address_of_the_domain_leads_through_the_provider_to_the_page_asked_for() {
    let fixture = fixture(Backend::Sqlite).await;
    let mut provider = OidcProvider::start(json!({ "algorithms": ["RS256"], "pkce": true })).await;
    provider.enter(&client(&unknown(), &json!({}))).await;
    let application = "https://application.example/callback";
    let connection = connect(&fixture, usual(&provider), application).await;
    provider.enter(&client(&connection, &json!({}))).await;

    let browser = Browser::start().await;
    browser.open(&fixture, "/account/sessions").await;
    browser.fill("#f-email", "carol@acme.example").await;
    browser.follow(".card form button").await;
    // The domain may use both; the password is offered below.
    assert_alone(&browser, &fixture).await;
    browser.follow(".card a.button").await;
    browser.arrived_at(provider.issuer()).await;
    browser.fill("input[name=login]", "carol").await;
    browser
        .fill("input[name=password]", "anything will do")
        .await;
    browser.follow("button[type=submit]").await;
    // Its consent.
    browser.follow("button[type=submit]").await;
    browser.arrived(&fixture, "/account/sessions").await;
    browser.click(".user > summary").await;
    let menu = browser.text(".user .panel").await;
    assert!(menu.contains("carol@acme.example"), "{menu}");
    assert_eq!(browser.text(".user summary").await, "Acme");
    let cookie = browser.cookie("__Host-vestibule").await.unwrap();
    assert_eq!((cookie.http_only, cookie.secure), (Some(true), Some(true)));
    browser
        .follow(".user form[action='/sign-out'] button")
        .await;
    let way = browser.attribute(".card a.button", "href").await.unwrap();
    assert!(way.starts_with(provider.issuer()), "{way}");
    let call = fixture.get("/api/auth/session").cookie(&cookie.value);
    call.send().await.expect(401);
    assert_eq!(browser.csp_violations().await, [""; 0]);
}

#[rstest]
#[tokio::test]
async fn a_connection_is_tested_through_its_provider_and_the_report_stands_among_the_attempts(
    #[values(true, false)] scripts: bool,
) {
    let fixture = Setup::new(Backend::Sqlite).with_idp().start().await;
    let browser = BrowserSetup::new().scripts(scripts).start().await;
    let one = format!(
        "/organization/{}/sso/{}",
        fixture.acme(),
        fixture.sso_connection()
    );
    browser.sign_in(&fixture, &fixture.ada(), &one).await;
    assert!(browser.has(".empty").await);
    let before = browser.cookie("__Host-vestibule").await.unwrap().value;
    browser
        .follow(&format!("form[action='{one}/test'] button"))
        .await;
    // The page leads on by itself, with no script and no form.
    browser.arrived_at(fixture.idp_url()).await;
    browser.follow("button[name=email]").await;
    browser.arrived(&fixture, &format!("{one}#attempts")).await;
    let attempts = browser.texts("#attempts-list > li").await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert!(attempts[0].contains("worked"), "{attempts:?}");
    // Whoever tests stays who they are.
    let after = browser.cookie("__Host-vestibule").await.unwrap().value;
    assert_eq!(before, after);
    browser.click("#refresh").await;
    browser.find("#attempts-list").await;
    assert_eq!(browser.csp_violations().await, [""; 0]);
}
