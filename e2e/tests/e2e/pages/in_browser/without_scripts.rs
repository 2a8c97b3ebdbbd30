//! Every flow with JavaScript switched off.

use vestibule_e2e::{Backend, BrowserSetup, Fixture};

use super::{assert_alone, make_key, use_key};

#[tokio::test]
async fn signing_in_switching_keys_permissions_and_signing_out_need_no_script() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let (acme, globex, bob) = (fixture.acme(), fixture.globex(), fixture.bob());
    let browser = BrowserSetup::new().scripts(false).start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys")
        .await;
    let secret = make_key(&browser, &fixture, "Without a script").await;
    assert_eq!(use_key(&fixture, &secret).await, 200);
    // What only a script could do is not offered.
    let copy = browser.find_all("button[data-copy]").await.remove(0);
    assert!(!copy.is_displayed().await.unwrap());

    browser.open(&fixture, "/account/keys").await;
    browser.click("details.confirm > summary").await;
    browser.follow("details[open] form button").await;
    browser.arrived(&fixture, "/account/keys").await;
    assert!(browser.text(".notice.good").await.contains("revoked"));
    assert_eq!(use_key(&fixture, &secret).await, 401);

    // A permission is given, and explained.
    let member = format!("/organization/{acme}/members/{}", bob.id);
    browser.open(&fixture, &member).await;
    browser.fill("#f-path", "/shared/reports").await;
    browser
        .click("#f-capability option[value=READ_WRITE]")
        .await;
    browser.follow("button[value=grant]").await;
    browser.find(".notice.good[role=status]").await;
    let access = format!("/organization/{acme}/access");
    browser.open(&fixture, &access).await;
    let who = format!("#f-user option[value='{}']", bob.id);
    browser.click(&who).await;
    browser
        .click("#f-capability option[value=READ_WRITE]")
        .await;
    browser.fill("#f-path", "/shared/reports/q1").await;
    browser.follow("#content form button").await;
    let verdict = browser.text(".verdict").await;
    assert!(verdict.starts_with("Allowed."), "{verdict}");

    // The log is filtered, and what is wrong with the filter is named.
    let audit = format!("/organization/{acme}/audit");
    browser.open(&fixture, &audit).await;
    browser.click("#f-kind option[value='grant.*']").await;
    browser.follow("#filter").await;
    browser
        .arrived(&fixture, &format!("{audit}?kind=grant."))
        .await;
    browser.says("p.small[role=status]", "2 found").await;
    browser
        .open(&fixture, &format!("{audit}?since=never"))
        .await;
    assert!(browser.has("[role=alert]").await);

    browser.switch(globex).await;
    let there = format!("/organization/{globex}/audit");
    browser.arrived(&fixture, &there).await;
    assert_eq!(browser.text(".user summary").await, "Globex");
    browser.sign_out().await;
    browser.arrived(&fixture, "/signed-out").await;
    assert_eq!(browser.cookies().await.len(), 0);
    assert_alone(&browser, &fixture).await;
}
