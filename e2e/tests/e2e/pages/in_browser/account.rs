//! The password, and the sessions that end with the old one.

use vestibule_e2e::{Backend, Browser, Fixture};

use super::assert_alone;

#[tokio::test]
async fn a_new_password_ends_the_session_in_the_other_browser_and_keeps_this_one() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = fixture.bob();
    let (here, there) = tokio::join!(Browser::start(), Browser::start());
    here.sign_in(&fixture, &bob, "/account/password").await;
    there.sign_in(&fixture, &bob, "/account/sessions").await;
    assert_eq!(there.find_all(".rows > li").await.len(), 2);

    here.fill("#f-current_password", "not the password").await;
    here.fill("#f-new_password", "a much better one").await;
    here.follow("#content form button").await;
    here.find("[role=alert]").await;
    there.reload().await;
    assert_eq!(there.find_all(".rows > li").await.len(), 2);

    here.fill("#f-current_password", &bob.password).await;
    here.fill("#f-new_password", "a much better one").await;
    here.follow("#content form button").await;
    here.arrived(&fixture, "/account/sessions").await;
    assert_eq!(here.find_all(".rows > li").await.len(), 1);
    assert!(here.text(".rows").await.contains("this session"));

    there.reload().await;
    there.arrived(&fixture, "/sign-in").await;
    let said = there.text(".notice").await;
    assert_eq!(said, "Your session has ended. Sign in to go on.");
    let mut renewed = bob.clone();
    renewed.password = "a much better one".to_owned();
    there.sign_in(&fixture, &renewed, "/account/sessions").await;
    assert_alone(&here, &fixture).await;
    assert_alone(&there, &fixture).await;
}
