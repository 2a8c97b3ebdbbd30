//! API keys on the page.

use rstest::rstest;
use vestibule_e2e::{Backend, Browser, BrowserSetup, Fixture};

use super::{assert_alone, make_key, use_key};

const SHOWN: &str = "This API key has been shown";

/// Counts the listed keys of this name.
async fn listed(browser: &Browser, fixture: &Fixture, name: &str) -> usize {
    browser.open(fixture, "/account/keys").await;
    let names = browser.texts(".rows .what bdi").await;
    names.iter().filter(|listed| *listed == name).count()
}

/// Waits until the page after a form for a key is there.
async fn arrived(browser: &Browser, fixture: &Fixture) {
    browser.arrived(fixture, "/account/keys/created/key_").await;
}

#[tokio::test]
async fn a_key_is_made_shown_once_copied_used_and_revoked() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys")
        .await;
    browser.follow(".head a.button").await;
    browser.arrived(&fixture, "/account/keys/new").await;
    // First with a mistake, named where it is.
    browser.follow("#content form button").await;
    browser.answered(422).await;
    let wrong = browser.text("#e-name").await;
    assert_eq!(wrong, "Name must not be empty.");
    browser.fill("#f-name", "Nightly export").await;
    browser.click("input[name=scope][value=paths]").await;
    browser
        .fill("[id='f-grants[0].path']", "/shared/reports")
        .await;
    browser.follow("#content form button").await;

    arrived(&browser, &fixture).await;
    let secret = browser.attribute("#secret", "value").await.unwrap();
    assert!(secret.starts_with("ks_live_"), "{secret}");
    browser.click("button[data-copy]").await;
    browser.says("#copied", "Copied.").await;
    assert_eq!(use_key(&fixture, &secret).await, 200);
    let list = fixture.get("/v1/documents").bearer(&secret).send().await;
    assert_eq!(list.expect(200).json()["total"], 1);

    browser.follow("#content a.button").await;
    browser.arrived(&fixture, "/account/keys").await;
    let row = "li:has(form[action='/account/keys/revoke'])";
    let mine = format!("{row}:has(code.muted)");
    assert!(
        browser
            .text(&mine)
            .await
            .contains(&secret[secret.len() - 4..])
    );
    let source = browser.driver().source().await.unwrap();
    assert!(!source.contains(&secret));
    let list = browser.texts(&format!("{row} .what bdi")).await;
    assert!(list.contains(&"Nightly export".to_owned()), "{list:?}");
    // The newest stands first.
    browser
        .click(&format!("{row} details.confirm > summary"))
        .await;
    browser
        .follow(&format!("{row} details[open] form button"))
        .await;
    browser.arrived(&fixture, "/account/keys").await;
    assert!(browser.text(".notice.good").await.contains("revoked"));
    assert_eq!(use_key(&fixture, &secret).await, 401);
    let list = browser.texts(&format!("{row} .what bdi")).await;
    assert!(!list.contains(&"Nightly export".to_owned()), "{list:?}");
    let records = fixture.audit(fixture.acme()).await;
    for kind in ["api_key.created", "api_key.deleted"] {
        let of_kind = records.iter().any(|record| record["kind"] == kind);
        assert!(of_kind, "{kind}: {records:#?}");
    }
    assert_alone(&browser, &fixture).await;
}

#[rstest]
#[tokio::test]
async fn loading_a_new_key_again_or_going_back_to_it_shows_nothing_and_creates_nothing(
    #[values(true, false)] scripts: bool,
) {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = BrowserSetup::new().scripts(scripts).start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys/new")
        .await;
    let secret = make_key(&browser, &fixture, "Shown once").await;
    arrived(&browser, &fixture).await;
    let cookie = browser.cookie("__Host-vestibule-new-key").await;
    assert!(cookie.is_none(), "{cookie:?}");
    browser.reload().await;
    assert_eq!(browser.text("h1").await, SHOWN);
    let source = browser.driver().source().await.unwrap();
    assert!(!source.contains(&secret));
    // On, and back.
    assert_eq!(listed(&browser, &fixture, "Shown once").await, 1);
    browser.driver().back().await.unwrap();
    arrived(&browser, &fixture).await;
    assert_eq!(browser.text("h1").await, SHOWN);
    // The form that led here is there to be filled in anew, and its answer is in no history.
    browser.driver().back().await.unwrap();
    browser.arrived(&fixture, "/account/keys/new").await;
    browser.driver().forward().await.unwrap();
    arrived(&browser, &fixture).await;
    assert_eq!(browser.text("h1").await, SHOWN);
    assert_eq!(use_key(&fixture, &secret).await, 200);
    assert_eq!(listed(&browser, &fixture, "Shown once").await, 1);
    for url in browser.requests().await {
        assert!(!url.contains(&secret), "{url}");
    }
    assert_eq!(browser.csp_violations().await, [""; 0]);
}

#[tokio::test]
async fn a_double_click_creates_one_key_and_shows_it() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys/new")
        .await;
    for (name, twice) in [
        // The browser drops the first answer, and the cookie in it.
        ("At once", "button.click(); button.click();"),
        (
            "A moment later",
            "button.click(); setTimeout(() => button.click(), 5);",
        ),
    ] {
        browser.open(&fixture, "/account/keys/new").await;
        browser.fill("#f-name", name).await;
        let script = format!(
            "const button = document.querySelector('#content form button'); {twice} return 0"
        );
        browser.run(&script).await;
        arrived(&browser, &fixture).await;
        let secret = browser.attribute("#secret", "value").await.unwrap();
        assert_eq!(use_key(&fixture, &secret).await, 200);
        assert_eq!(listed(&browser, &fixture, name).await, 1);
    }
    assert_alone(&browser, &fixture).await;
}
