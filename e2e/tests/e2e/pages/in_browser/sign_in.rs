//! Signing in and out.

use std::collections::BTreeSet;

use rstest::rstest;
use vestibule_e2e::{Backend, Browser, BrowserSetup, Fixture};

use super::assert_alone;

const ALERT: &str = ".notice[role=alert]";

#[tokio::test]
async fn the_printed_link_leads_through_a_wrong_and_the_right_password_to_the_organization() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = fixture.ada();
    let browser = Browser::start().await;
    browser
        .goto(fixture.facts()["sign_in_url"].as_str().unwrap())
        .await;
    let email = browser.attribute("#f-email", "value").await;
    assert_eq!(email.as_deref(), Some(ada.email.as_str()));
    browser.follow(".card form button").await;

    browser.fill("#f-password", "not the password").await;
    browser.follow(".card form button").await;
    let said = browser.text(ALERT).await;
    assert_eq!(said, "The e-mail address or the password is wrong.");
    browser.answered(401).await;
    // Read out at once, and nothing is to be typed again but the password.
    let focused = browser.focused().await.attr("role").await.unwrap();
    assert_eq!(focused.as_deref(), Some("alert"));
    assert!(browser.text(".who").await.contains(&ada.email));
    let value = browser.find("#f-password").await.prop("value").await;
    assert_eq!(value.unwrap().as_deref(), Some(""));
    assert_eq!(browser.cookies().await.len(), 0);

    browser.fill("#f-password", &ada.password).await;
    browser.follow(".card form button").await;
    browser.arrived(&fixture, "/organizations").await;
    assert_eq!(
        browser.texts(".choice bdi").await,
        ["Acme", "Globex"],
        "{}",
        browser.page().await
    );
    browser
        .follow(&format!("button[value='{}']", fixture.acme()))
        .await;
    let overview = format!("/organization/{}", fixture.acme());
    browser.arrived(&fixture, &overview).await;
    assert_eq!(browser.text("h1").await, "Acme");
    assert_alone(&browser, &fixture).await;
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_no_script_and_is_gone_after_signing_out() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys")
        .await;
    let cookies = browser.cookies().await;
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let cookie = &cookies[0];
    assert_eq!(cookie.name, "__Host-vestibule");
    assert_eq!((cookie.http_only, cookie.secure), (Some(true), Some(true)));
    assert_eq!(format!("{:?}", cookie.same_site), "Some(Lax)");
    assert_eq!(cookie.path.as_deref(), Some("/"));
    // Without a dot: no other host is sent it.
    assert_eq!(cookie.domain.as_deref(), Some("127.0.0.1"));
    assert_eq!(browser.run("return document.cookie").await, "");

    browser.sign_out().await;
    browser.arrived(&fixture, "/signed-out").await;
    assert_eq!(browser.text("h1").await, "You are signed out");
    assert_eq!(browser.cookies().await.len(), 0);
    let call = fixture.get("/api/auth/session").cookie(&cookie.value);
    call.send().await.expect(401);
    browser.open(&fixture, "/account/keys").await;
    browser.arrived(&fixture, "/sign-in").await;
    assert!(!browser.has(".user").await);
    assert_alone(&browser, &fixture).await;
}

#[rstest]
#[tokio::test]
async fn the_way_back_after_signing_out_shows_nothing_of_the_organization(
    #[values(true, false)] scripts: bool,
) {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = BrowserSetup::new().scripts(scripts).start().await;
    let members = format!("/organization/{}/members", fixture.acme());
    browser.sign_in(&fixture, &fixture.ada(), &members).await;
    assert!(browser.page().await.contains("bob@example.com"));
    browser.sign_out().await;
    browser.arrived(&fixture, "/signed-out").await;
    browser.driver().back().await.unwrap();
    browser.arrived(&fixture, "/sign-in").await;
    let page = browser.page().await;
    assert!(
        !page.contains("bob@example.com") && !page.contains("Acme"),
        "{page}"
    );
}

/// How many bytes a page and all that belongs to it had on the wire, and the URLs of the latter.
const WEIGHT: &str = "const parts = performance.getEntriesByType('navigation') \
    .concat(performance.getEntriesByType('resource')); \
    return [parts.reduce((sum, part) => sum + part.encodedBodySize, 0), parts.map(part => part.name)]";

#[tokio::test]
async fn the_sign_in_is_light_and_shown_without_a_script() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    browser.open(&fixture, "/sign-in").await;
    let weight = browser.run(WEIGHT).await;
    let bytes = weight[0].as_u64().unwrap();
    assert!((1_000..30 * 1024).contains(&bytes), "{weight}");
    assert_eq!(browser.run("return document.scripts.length").await, 0);
    // The page, its stylesheet and its icon, which the page names itself: one round trip more.
    let requests: BTreeSet<_> = browser.requests().await.into_iter().collect();
    assert!(requests.len() <= 3, "{requests:?}");
    let own = |url: &String| url.starts_with(fixture.url());
    assert!(requests.iter().all(own), "{requests:?}");
}
