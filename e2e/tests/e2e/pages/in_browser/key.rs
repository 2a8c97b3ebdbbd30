//! API keys on the page.

use vestibule_e2e::{Backend, Browser, House};

use super::{assert_alone, use_key};

#[tokio::test]
async fn a_key_is_made_shown_once_copied_used_and_revoked() {
    let house = House::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    browser.sign_in(&house, &house.ada(), "/account/keys").await;
    browser.follow(".head a.button").await;
    browser.arrived(&house, "/account/keys/new").await;
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

    let secret = browser.attribute("#secret", "value").await.unwrap();
    assert!(secret.starts_with("ks_live_"), "{secret}");
    browser.click("button[data-copy]").await;
    browser.says("#copied", "Copied.").await;
    assert_eq!(use_key(&house, &secret).await, 200);
    let list = house.get("/v1/documents").bearer(&secret).send().await;
    assert_eq!(list.expect(200).json()["total"], 1);

    browser.follow("#content a.button").await;
    browser.arrived(&house, "/account/keys").await;
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
    browser.arrived(&house, "/account/keys").await;
    assert!(browser.text(".notice.good").await.contains("revoked"));
    assert_eq!(use_key(&house, &secret).await, 401);
    let list = browser.texts(&format!("{row} .what bdi")).await;
    assert!(!list.contains(&"Nightly export".to_owned()), "{list:?}");
    let records = house.audit(house.acme()).await;
    for kind in ["api_key.created", "api_key.deleted"] {
        let of_kind = records.iter().any(|record| record["kind"] == kind);
        assert!(of_kind, "{kind}: {records:#?}");
    }
    assert_alone(&browser, &house).await;
}
