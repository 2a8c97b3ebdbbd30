//! Sign-in through an identity provider, by the front door and as a browser goes: with the provider
//! for development that quickstart brings.

mod cli;
mod confirm;
mod enforcement;
mod limits;
mod link;
mod logout;
mod reach;
mod redirects;
mod revoked_keys;
mod setup;
mod wanderer;

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture, Setup};

use wanderer::{Wanderer, fragment};

/// Where the printed request wants its people back.
const APP: &str = "https://your-app.com/auth/callback";
/// Somebody who is new.
const CLEO: &str = "cleo@example.com";

pub(crate) async fn fixture(backend: Backend) -> Fixture {
    Setup::new(backend).with_idp().start().await
}

/// Begins a sign-in as an application does; the URL for the browser.
async fn initiate(fixture: &Fixture) -> String {
    let body = json!({ "tenant_id": fixture.acme(), "redirect_uri": APP });
    let call = fixture.post("/v1/auth/sso/initiate").json(body);
    call.send().await.expect(200).text_at("/redirect_url")
}

/// A whole sign-in of an application; the access token.
pub(crate) async fn token_of(fixture: &Fixture, email: &str) -> String {
    let start = initiate(fixture).await;
    let end = Wanderer::new(fixture)
        .sign_in(&start, email)
        .await
        .expect(303);
    fragment(&end, APP)["access_token"].clone()
}

/// A whole sign-in of a browser; the session cookie.
async fn cookie_of(fixture: &Fixture, email: &str) -> String {
    let mut browser = Wanderer::new(fixture);
    let start = format!("{}/v1/auth/sso/{}/signin", fixture.url(), fixture.acme());
    browser.sign_in(&start, email).await.expect(303);
    browser.session().unwrap()
}

#[rstest]
#[tokio::test]
async fn the_request_as_printed_ends_at_the_application_with_a_token_that_works(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let body = format!(
        "{{\n\"tenant_id\": \"{}\",\n\"redirect_uri\": \"{APP}\"\n}}",
        fixture.acme()
    );
    let call = fixture.post("/v1/auth/sso/initiate");
    let begun = call.body("application/json", body).send().await.expect(200);
    // "The response returns a redirect URL."
    let start = begun.text_at("/redirect_url");

    // "Redirect your user to that URL."
    let mut browser = Wanderer::new(&fixture);
    let end = browser.sign_in(&start, CLEO).await.expect(303);
    // "They are redirected back to your redirect_uri with a token": never in the query, in no
    // cache, and no other site learns of it.
    let back = fragment(&end, APP);
    assert_eq!(back["token_type"], "bearer");
    assert_eq!(end.header("cache-control"), "no-store");
    assert_eq!(end.header("referrer-policy"), "no-referrer");

    let me = fixture.get("/v1/users/me").bearer(&back["access_token"]);
    let me = me.send().await.expect(200);
    assert_eq!(me.text_at("/email"), CLEO);
    assert_eq!(me.text_at("/current_tenant_id"), fixture.acme());
    assert_eq!(me.text_at("/current_tenant_role"), "USER");
    assert_eq!(me.text_at("/idp_type"), "TENANT");
    assert_eq!(me.text_at("/join_method"), "ADDED");

    // The same person on the other dialect, with a session cookie.
    let cookie = cookie_of(&fixture, CLEO).await;
    let session = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await;
    let session = session.expect(200);
    assert_eq!(session.text_at("/user/id"), me.text_at("/id"));
    assert_eq!(session.text_at("/organization/id"), fixture.acme());
}

#[rstest]
#[tokio::test]
async fn a_browser_comes_back_to_the_page_it_wanted_with_a_cookie(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let mut browser = Wanderer::new(&fixture);
    let start = format!(
        "{}/v1/auth/sso/{}/signin?redirect=/console",
        fixture.url(),
        fixture.acme()
    );
    let first = browser.get(&start).await.expect(307);
    let back = browser
        .pick(first.header("location"), "bob@example.com")
        .await;
    let end = browser.get(&back).await.expect(303);
    assert_eq!(end.header("location"), "/console");
    let cookie = browser.session().unwrap();
    let session = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await;
    // Whom the address leads to is who has it here already.
    assert_eq!(session.expect(200).text_at("/user/id"), fixture.bob().id);
}

#[rstest]
#[tokio::test]
async fn a_callback_is_good_once_and_in_the_browser_that_began(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let mut browser = Wanderer::new(&fixture);
    let begun = browser.get(&initiate(&fixture).await).await.expect(303);
    let back = browser.pick(begun.header("location"), CLEO).await;

    // A browser that began nothing, and one that began something else.
    let mut other = Wanderer::new(&fixture);
    let refused = other.get(&back).await.expect(401);
    assert_eq!(refused.reason(), "sso_state");
    other.get(&initiate(&fixture).await).await.expect(303);
    let refused = other.get(&back).await.expect(401);
    assert_eq!(refused.reason(), "sso_state");

    let end = browser.get(&back).await.expect(303);
    fragment(&end, APP);
    let replayed = browser.get(&back).await.expect(401);
    assert_eq!(replayed.reason(), "sso_state");

    // The answer to one connection's question, brought to another.
    let begun = browser.get(&initiate(&fixture).await).await.expect(303);
    let back = browser.pick(begun.header("location"), CLEO).await;
    let elsewhere = back.replace(
        fixture.sso_connection(),
        "connection_01jhmpfn80e48s5s0q7b7cwx5e",
    );
    let refused = browser.get(&elsewhere).await.expect(401);
    assert_eq!(refused.reason(), "sso_state");
}

#[rstest]
#[tokio::test]
async fn who_may_not_come_in_is_told_at_the_application(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    for (person, error) in [
        ("mallory@example.com", "email_not_proved"),
        ("eve@elsewhere.example", "email_not_proved"),
    ] {
        let start = initiate(&fixture).await;
        let end = Wanderer::new(&fixture).sign_in(&start, person).await;
        let back = fragment(&end.expect(303), APP);
        assert_eq!(back["error"], "access_denied");
        assert_eq!(back["error_description"], error);
        assert!(!back.contains_key("access_token"));
    }
    let mut browser = Wanderer::new(&fixture);
    let begun = browser.get(&initiate(&fixture).await).await.expect(303);
    let denied = format!("{}&deny=1", begun.header("location"));
    let back = browser.get(&denied).await.expect(303);
    let end = browser.get(back.header("location")).await.expect(303);
    assert_eq!(fragment(&end, APP)["error"], "access_denied");
}

#[rstest]
#[tokio::test]
async fn the_way_to_sign_in_is_told_by_the_domain_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    fixture
        .newcomer("dora@other.example", fixture.acme(), "USER")
        .await;
    let discover = async |email: &str| {
        let call = fixture.post("/v1/auth/discover");
        let answer = call.json(json!({ "email": email })).send().await;
        answer.expect(200).json()
    };
    let known = discover("bob@example.com").await;
    assert_eq!(known["method"], "both");
    assert_eq!(known["tenant_id"], fixture.acme());
    assert_eq!(known["connection_id"], fixture.sso_connection());
    assert_eq!(discover("nobody-at-all@example.com").await, known);
    let elsewhere = discover("dora@other.example").await;
    assert_eq!(elsewhere["method"], "password");
    assert_eq!(discover("nobody-at-all@other.example").await, elsewhere);
    assert_eq!(discover("x@nowhere.invalid").await, elsewhere);
}

#[rstest]
#[tokio::test]
async fn the_word_of_one_organizations_provider_opens_no_other_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let token = token_of(&fixture, CLEO).await;
    let cookie = cookie_of(&fixture, CLEO).await;
    fixture
        .cli_json(&["member", "add", fixture.globex(), CLEO, "--role", "ADMIN"])
        .await;

    let call = fixture.post("/api/auth/switch-org").cookie(&cookie);
    let body = json!({ "organizationId": fixture.globex() });
    let switched = call.origin(fixture.url()).json(body).send().await;
    assert_eq!(switched.expect(403).reason(), "sso_elsewhere");
    let refresh = async |id: &str| {
        let path = format!("/v1/auth/uat?tenant_id={id}");
        fixture.post(&path).bearer(&token).send().await
    };
    let there = refresh(fixture.globex()).await.expect(403);
    assert_eq!(there.reason(), "sso_elsewhere");
    refresh(fixture.acme()).await.expect(200);
    let here = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await;
    assert_eq!(
        here.expect(200).text_at("/organization/id"),
        fixture.acme(),
        "the session is what it was"
    );
}
