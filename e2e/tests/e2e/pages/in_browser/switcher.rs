//! The organisation switcher.

use serde_json::Value;
use vestibule_e2e::{Backend, Browser, Fixture};

use super::{assert_alone, use_key};
use crate::support;

/// The names on the page of documents.
async fn documents(browser: &Browser) -> Vec<String> {
    browser.texts(".rows .what").await
}

#[tokio::test]
async fn the_user_menu_leads_to_the_same_page_of_the_other_organization_and_its_data_alone() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    let (acme, globex) = (fixture.acme(), fixture.globex());
    let page_of = |organization: &str| format!("/organization/{organization}/documents");
    let folder = support::shared(&fixture).await;
    support::document(&fixture, &folder, "Of Acme alone").await;
    browser
        .sign_in(&fixture, &fixture.ada(), &page_of(acme))
        .await;
    let shown = documents(&browser).await;
    assert!(shown.contains(&"Of Acme alone".to_owned()), "{shown:?}");
    let before = browser.cookie("__Host-vestibule").await.unwrap().value;

    browser.switch(globex).await;
    browser.arrived(&fixture, &page_of(globex)).await;
    assert_eq!(browser.text(".user summary").await, "Globex");
    let there = documents(&browser).await;
    assert!(!there.is_empty());
    let heading = browser.text("#content").await;
    assert!(heading.contains("Globex"), "{heading}");
    // The other organisation's name stands in the switcher and nowhere else.
    assert!(!browser.page().await.contains("Acme"));
    // A new session value; the old one is worth nothing.
    let after = browser.cookie("__Host-vestibule").await.unwrap().value;
    assert_ne!(before, after);
    let call = fixture.get("/api/auth/session").cookie(&before);
    call.send().await.expect(401);

    // A page of the account stays what it is.
    browser.open(&fixture, "/account/keys").await;
    browser.switch(acme).await;
    browser.arrived(&fixture, "/account/keys").await;
    assert_eq!(browser.text(".user summary").await, "Acme");
    assert_alone(&browser, &fixture).await;
}

#[tokio::test]
async fn two_tabs_on_two_organizations_do_not_mix_and_the_page_shows_the_way_on() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    let (acme, globex) = (fixture.acme(), fixture.globex());
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys/new")
        .await;
    browser.fill("#f-name", "For Acme alone").await;
    let first = browser.tab().await;

    let second = browser.new_tab().await;
    browser.open(&fixture, "/account/keys").await;
    browser.switch(globex).await;
    browser.arrived(&fixture, "/account/keys").await;
    assert_eq!(browser.text(".user summary").await, "Globex");

    browser.use_tab(&first).await;
    browser.follow("#content form button").await;
    browser.answered(409).await;
    let said = browser.page().await;
    assert!(said.contains("org_context_changed"), "{said}");
    assert!(
        said.contains("You are in another organisation now"),
        "{said}"
    );
    for organization in [acme, globex] {
        let records = fixture.audit(organization).await;
        let made = |record: &&Value| record.to_string().contains("For Acme alone");
        assert_eq!(records.iter().find(made), None);
    }
    // Back to the one, on the page that it was about; the key is for Acme.
    browser.follow(&format!("button[value='{acme}']")).await;
    browser.arrived(&fixture, "/account/keys").await;
    assert_eq!(browser.text(".user summary").await, "Acme");
    let key = super::make_key(&browser, &fixture, "For Acme alone").await;
    assert_eq!(use_key(&fixture, &key).await, 200);

    // The other tab is now the one that is left behind, reading included: what it shows is no
    // other organisation's page under the old address.
    browser.use_tab(&second).await;
    let members = format!("/organization/{globex}/members");
    browser.open(&fixture, &members).await;
    browser.answered(409).await;
    browser.follow("a.button.quiet").await;
    browser
        .arrived(&fixture, &format!("/organization/{acme}"))
        .await;
    assert_alone(&browser, &fixture).await;
}
