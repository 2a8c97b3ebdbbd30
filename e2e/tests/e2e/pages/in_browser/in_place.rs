//! What a script puts in the place of a part of the page, and what it leaves to the browser.

use vestibule_e2e::{Backend, Browser, Fixture};

use super::assert_alone;

/// Whether the page is the very one that was [marked](mark).
async fn is_marked(browser: &Browser) -> bool {
    browser.run("return window.mark === 1").await == true
}

/// Marks the page; another one has no mark.
async fn mark(browser: &Browser) {
    browser.run("window.mark = 1").await;
}

/// Waits until the screen reader is told this.
async fn told(browser: &Browser, text: &str) {
    for _ in 0..500 {
        let said = browser
            .run("return document.getElementById('said').textContent")
            .await;
        if said.as_str().unwrap().contains(text) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nobody is told {text:?}: {}", browser.page().await);
}

#[tokio::test]
async fn an_answer_appears_in_its_place_and_is_told_and_the_way_back_asks_again() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    let access = format!("/organization/{}/access", fixture.acme());
    browser.sign_in(&fixture, &fixture.ada(), &access).await;
    mark(&browser).await;
    let who = format!("#f-user option[value='{}']", fixture.bob().id);
    browser.click(&who).await;
    browser.fill("#f-path", "/private").await;
    browser.click("#ask").await;
    told(&browser, "Refused.").await;
    assert!(is_marked(&browser).await);
    assert!(browser.url().await.ends_with("&path=%2Fprivate"));
    let focused = browser.focused().await.attr("id").await.unwrap();
    assert_eq!(focused.as_deref(), Some("ask"));

    // What is wrong is shown in its place, too, with the focus on it, and goes when it is mended.
    browser.fill("#f-path", "no path").await;
    browser.click("#ask").await;
    browser.find("[role=alert]:focus").await;
    let home = format!("/users/{}", fixture.bob().id);
    browser.fill("#f-path", &home).await;
    browser.click("#ask").await;
    told(&browser, "Allowed.").await;
    assert!(is_marked(&browser).await);
    assert!(!browser.has("[role=alert]").await);

    // Nothing of a page is kept in the browser; the way back asks the server.
    let kept = "return JSON.stringify([{ ...localStorage }, { ...sessionStorage }])";
    let kept = browser.run(kept).await;
    assert!(!kept.as_str().unwrap().contains("Allowed"), "{kept}");
    browser.driver().back().await.unwrap();
    browser.driver().back().await.unwrap();
    for _ in 0..500 {
        if !is_marked(&browser).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let verdict = browser.text(".verdict").await;
    assert!(verdict.starts_with("Refused."), "{verdict}");
    assert!(!is_marked(&browser).await);
    assert_alone(&browser, &fixture).await;
}

#[tokio::test]
async fn the_audit_log_is_filtered_and_paged_in_its_place() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = super::super::Browser::of(&fixture, &fixture.ada()).await;
    let settings = format!("/organization/{}/settings", fixture.acme());
    for number in 0..51 {
        let name = format!("Acme {number}");
        let fields = [("organization", fixture.acme()), ("name", name.as_str())];
        ada.post(&settings, &fields).await.expect(303);
    }
    let browser = Browser::start().await;
    let audit = format!("/organization/{}/audit", fixture.acme());
    browser.sign_in(&fixture, &fixture.ada(), &audit).await;
    mark(&browser).await;
    browser
        .click("#f-kind option[value='organization.*']")
        .await;
    browser.click("#filter").await;
    let filtered = format!("{audit}?kind=organization.");
    browser.arrived(&fixture, &filtered).await;
    told(&browser, "found").await;
    assert!(is_marked(&browser).await);
    let chosen = browser.find("#f-kind").await.prop("value").await.unwrap();
    assert_eq!(chosen.as_deref(), Some("organization.*"));
    browser.click("a[rel=next]").await;
    told(&browser, "51 to").await;
    assert!(is_marked(&browser).await);
    // The link is gone; whoever uses the keyboard goes on from the list, not from nowhere.
    let focused = browser.focused().await.attr("id").await.unwrap();
    assert_eq!(focused.as_deref(), Some("content"));
    assert_alone(&browser, &fixture).await;
}

/// Waits until the page is another one than the [marked](mark).
async fn replaced(browser: &Browser) {
    for _ in 0..500 {
        if !is_marked(browser).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the page stays: {}", browser.page().await);
}

/// What the user menu is called: the organisation and the person.
async fn user_menu(browser: &Browser) -> String {
    let label = browser.attribute(".user > summary", "aria-label").await;
    label.unwrap()
}

#[tokio::test]
async fn what_is_for_somebody_else_is_not_put_within_the_frame_of_the_one_before() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = fixture.bob();
    let ada = super::super::Browser::of(&fixture, &fixture.ada()).await;
    let member = format!("/organization/{}/members/{}", fixture.acme(), bob.id);
    let role = |role| {
        [
            ("organization", fixture.acme()),
            ("act", "role"),
            ("role", role),
        ]
    };
    ada.post(&member, &role("ADMIN")).await.expect(303);
    let browser = Browser::start().await;
    let audit = format!("/organization/{}/audit", fixture.acme());
    browser.sign_in(&fixture, &fixture.ada(), &audit).await;
    assert!(user_menu(&browser).await.ends_with(" of Ada"));
    mark(&browser).await;
    let first = browser.tab().await;
    browser.new_tab().await;
    browser.open(&fixture, "/account").await;
    browser.sign_out().await;
    browser.arrived(&fixture, "/signed-out").await;
    browser.sign_in(&fixture, &bob, "/account").await;

    browser.use_tab(&first).await;
    assert!(is_marked(&browser).await);
    browser.click("#filter").await;
    replaced(&browser).await;
    browser.arrived(&fixture, &audit).await;
    let menu = user_menu(&browser).await;
    assert!(menu.ends_with(" of Bob"), "{menu}");
    // From there on it is the frame of the one who works in it.
    mark(&browser).await;
    browser.click("#filter").await;
    told(&browser, "found").await;
    assert!(is_marked(&browser).await);

    // The same person in another role may go to other places.
    ada.post(&member, &role("OWNER")).await.expect(303);
    browser.click("#filter").await;
    replaced(&browser).await;
    assert_alone(&browser, &fixture).await;
}

/// Has the requests of the page told: `sent` has all of them, in order.
const WATCH: &str = "window.sent = []; const send = XMLHttpRequest.prototype.send; \
    XMLHttpRequest.prototype.send = function (body) { sent.push(this); send.call(this, body) };";

#[tokio::test]
async fn of_two_requests_the_last_one_counts() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    let audit = format!("/organization/{}/audit", fixture.acme());
    let filtered = format!("{audit}?subject=nothing");
    browser.sign_in(&fixture, &fixture.ada(), &filtered).await;
    mark(&browser).await;
    browser.run(WATCH).await;
    let both = "for (const id of ['filter', 'clear']) document.getElementById(id).click()";
    browser.run(both).await;
    told(&browser, "found").await;
    let statuses = browser.run("return sent.map(xhr => xhr.status)").await;
    assert_eq!(statuses, serde_json::json!([0, 200]));
    assert_eq!(browser.url().await, format!("{}{audit}", fixture.url()));
    assert!(is_marked(&browser).await);
    assert_alone(&browser, &fixture).await;
}

/// Has the next request hang until the page is left, and then fail at once: some browsers cut off
/// what is on its way before the next page comes.
const CUT_OFF: &str = "XMLHttpRequest.prototype.send = function () { \
    addEventListener('beforeunload', () => setTimeout(() => this.onerror())) };";

#[tokio::test]
async fn a_request_that_is_cut_off_by_another_page_does_not_take_the_person_back() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    let audit = format!("/organization/{}/audit", fixture.acme());
    browser.sign_in(&fixture, &fixture.ada(), &audit).await;
    browser.run(CUT_OFF).await;
    browser.click("#filter").await;
    browser.run("location.assign('/account')").await;
    browser.arrived(&fixture, "/account").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    browser.arrived(&fixture, "/account").await;
    assert_eq!(browser.status().await, 200);

    // One that fails by itself leads to what the browser says of it.
    browser.open(&fixture, &audit).await;
    mark(&browser).await;
    let fails = "XMLHttpRequest.prototype.send = function () { setTimeout(() => this.onerror()) }";
    browser.run(fails).await;
    browser.click("#filter").await;
    replaced(&browser).await;
    browser.arrived(&fixture, &audit).await;
}

#[tokio::test]
async fn what_is_not_the_page_asked_for_is_opened_as_a_page_of_its_own() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::start().await;
    let audit = format!("/organization/{}/audit", fixture.acme());
    browser.sign_in(&fixture, &fixture.ada(), &audit).await;
    let first = browser.tab().await;
    let second = browser.new_tab().await;
    browser.open(&fixture, "/account").await;
    browser.switch(fixture.globex()).await;
    browser.arrived(&fixture, "/account").await;

    // Another organisation meanwhile: the whole page says so, and nothing of the frame is left.
    browser.use_tab(&first).await;
    browser.click("#filter").await;
    browser.answered(409).await;
    let title = browser.text(".card h1").await;
    assert_eq!(title, "You are in another organisation now");
    assert!(!browser.has(".menu").await);
    browser
        .follow(&format!("button[value='{}']", fixture.acme()))
        .await;
    browser.arrived(&fixture, &audit).await;

    // Signed out meanwhile: to the sign-in, with the way back.
    browser.use_tab(&second).await;
    browser.reload().await;
    browser.sign_out().await;
    browser.arrived(&fixture, "/signed-out").await;
    browser.use_tab(&first).await;
    browser.click("#filter").await;
    browser.arrived(&fixture, "/sign-in?return_to=").await;
    assert!(!browser.has(".menu").await);
    assert_alone(&browser, &fixture).await;
}
