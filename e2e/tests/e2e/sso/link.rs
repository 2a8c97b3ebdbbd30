//! A signed-in user's own act: another way in.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture};

use super::wanderer::Wanderer;
use super::{CLEO, fixture, token_of};

/// Somebody whose address leads to nobody here.
const EVE: &str = "eve@elsewhere.example";

/// Asks to link, on a page of the server.
async fn ask(fixture: &Fixture, cookie: &str, page: &str) -> Answer {
    let body = json!({ "connectionId": fixture.sso_connection(), "redirect": page });
    let call = fixture.post("/api/auth/sso/link").cookie(cookie);
    call.origin(fixture.url()).json(body).send().await
}

/// Asks to link and goes all the way; what the callback answers.
async fn link(fixture: &Fixture, cookie: &str, email: &str) -> Answer {
    let begun = ask(fixture, cookie, "/account").await.expect(200);
    let mut browser = Wanderer::new(fixture);
    browser.keep(&begun);
    let back = browser.pick(&begun.text_at("/redirectUrl"), email).await;
    browser.get(&back).await
}

#[rstest]
#[tokio::test]
async fn a_signed_in_user_links_an_identity_of_any_address_to_their_own_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let linked = link(&fixture, &cookie, EVE).await.expect(303);
    assert_eq!(linked.header("location"), "/account");
    assert_eq!(linked.session_cookie(), None, "the session is what it was");
    let session = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await;
    session.expect(200);

    let me = fixture
        .get("/v1/users/me")
        .bearer(&token_of(&fixture, EVE).await);
    let me = me.send().await.expect(200);
    assert_eq!(me.text_at("/id"), fixture.ada().id);
    assert_eq!(me.text_at("/current_tenant_role"), "OWNER");
    let path = format!("/v1/sso/identities?user_id={}", fixture.ada().id);
    let list = fixture.get(&path).bearer(fixture.key()).send().await;
    assert_eq!(list.expect(200).json().as_array().unwrap().len(), 1);

    // One person of the provider is one user here.
    let bob = fixture.cookie_of(&fixture.bob()).await;
    let taken = link(&fixture, &bob, EVE).await.expect(409);
    assert_eq!(taken.reason(), "identity_taken");
    // And one user is one person there.
    let other = link(&fixture, &cookie, CLEO).await.expect(403);
    assert_eq!(other.reason(), "identity_differs");
    let kinds = fixture.audit(fixture.acme()).await;
    let linked = kinds
        .iter()
        .filter(|it| it["kind"] == "sso.identity_linked");
    assert_eq!(linked.count(), 1);
}

#[rstest]
#[tokio::test]
async fn nobody_else_links_anything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let body = || json!({ "connectionId": fixture.sso_connection() });
    let call = || fixture.post("/api/auth/sso/link").json(body());
    call().send().await.expect(401);
    let no_origin = call().cookie(&cookie).send().await.expect(403);
    assert_eq!(no_origin.reason(), "csrf_origin_mismatch");
    let elsewhere = call().cookie(&cookie).origin("https://evil.example");
    elsewhere.send().await.expect(403);
    call().bearer(fixture.key()).send().await.expect(403);
    for page in ["https://evil.example", "//evil.example", "x"] {
        ask(&fixture, &cookie, page).await.expect(400);
    }
    let unknown = json!({ "connectionId": "connection_01jhmpfn80e48s5s0q7b7cwx5e" });
    let call = fixture.post("/api/auth/sso/link").cookie(&cookie);
    call.origin(fixture.url())
        .json(unknown)
        .send()
        .await
        .expect(404);

    // The way back is bound to the browser that asked.
    let begun = ask(&fixture, &cookie, "/").await.expect(200);
    let mut stranger = Wanderer::new(&fixture);
    let back = stranger.pick(&begun.text_at("/redirectUrl"), EVE).await;
    let refused = stranger.get(&back).await.expect(401);
    assert_eq!(refused.reason(), "sso_state");
}
