//! The pages in a real browser, with scripts and without.

mod account;
mod everywhere;
mod in_place;
mod key;
mod keyboard;
mod names;
mod other_origin;
mod sign_in;
mod single_sign_on;
mod switcher;
mod without_scripts;

use vestibule_e2e::{Browser, Fixture};

/// Only the server under test was asked for anything, and the policy had nothing to refuse.
async fn assert_alone(browser: &Browser, fixture: &Fixture) {
    assert_eq!(browser.csp_violations().await, [""; 0]);
    assert_eq!(browser.origins().await, [fixture.url().to_owned()].into());
}

/// Makes a key that may do all; its secret, as the page shows it once.
async fn make_key(browser: &Browser, fixture: &Fixture, name: &str) -> String {
    browser.open(fixture, "/account/keys/new").await;
    browser.fill("#f-name", name).await;
    browser.follow("#content form button").await;
    browser.attribute("#secret", "value").await.unwrap()
}

/// The status that an HTTP call with a key gets.
async fn use_key(fixture: &Fixture, secret: &str) -> u16 {
    let call = fixture.get("/v1/users/me").bearer(secret);
    call.send().await.status
}
