//! Signing in and switching by keyboard alone.

use vestibule_e2e::{Backend, Browser, Fixture, Key};

use super::assert_alone;

/// Whether the focus is on such an element; panics where it cannot be seen.
async fn is_at(browser: &Browser, selector: &str) -> bool {
    let script = format!(
        "const at = document.activeElement; const style = getComputedStyle(at); \
         return [at.matches(\"{selector}\"), at === document.body || style.outlineStyle !== 'none' && \
         parseFloat(style.outlineWidth) >= 2 || at.matches('[tabindex=\"-1\"]'), at.outerHTML]"
    );
    let found = browser.run(&script).await;
    assert_eq!(found[1], true, "no ring round {}", found[2]);
    found[0] == true
}

/// Presses Enter where the focus is. The driver repeats a key press of its own that leads to
/// another page, and on that page.
async fn enter(browser: &Browser) {
    browser.focused().await.send_keys(Key::Enter).await.unwrap();
}

/// Presses Tab until the focus is there.
async fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..30 {
        browser.press(Key::Tab).await;
        if is_at(browser, selector).await {
            return;
        }
    }
    panic!("no way to {selector} by Tab");
}

#[tokio::test]
async fn a_person_without_a_mouse_signs_in_switches_and_signs_out() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let (ada, acme, globex) = (fixture.ada(), fixture.acme(), fixture.globex());
    let browser = Browser::start().await;
    browser.open(&fixture, "/sign-in").await;
    browser.find("#f-email:focus").await;
    assert!(is_at(&browser, "#f-email").await);
    browser.press(ada.email.as_str()).await;
    enter(&browser).await;
    // A page that has just come takes a moment to put the focus where it belongs.
    browser.find("#f-password:focus").await;
    browser.press(ada.password.as_str()).await;
    enter(&browser).await;
    browser.arrived(&fixture, "/organizations").await;
    tab_to(&browser, &format!("button[value='{acme}']")).await;
    enter(&browser).await;
    let overview = format!("/organization/{acme}");
    browser.arrived(&fixture, &overview).await;

    // The first stop leads past the menu.
    browser.press(Key::Tab).await;
    assert!(is_at(&browser, "a.skip").await);
    let skip = browser.focused().await.rect().await.unwrap();
    assert!(skip.y >= 0.0, "{skip:?}");
    enter(&browser).await;
    tab_to(&browser, "#content a").await;

    browser
        .open(&fixture, &format!("/organization/{acme}/members"))
        .await;
    tab_to(&browser, ".user > summary").await;
    enter(&browser).await;
    tab_to(&browser, &format!("button[value='{globex}']")).await;
    enter(&browser).await;
    let members = format!("/organization/{globex}/members");
    browser.arrived(&fixture, &members).await;
    tab_to(&browser, ".user > summary").await;
    browser.press(Key::Space).await;
    tab_to(&browser, "form[action='/sign-out'] button").await;
    browser.press(Key::Space).await;
    browser.arrived(&fixture, "/signed-out").await;
    assert_alone(&browser, &fixture).await;
}
