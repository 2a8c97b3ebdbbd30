//! Somebody is signed in already, and a link, which may stand on any page, begins another sign-in.

use rstest::rstest;
use vestibule_e2e::{Answer, Backend, Call, Fixture};

use super::{CLEO, Wanderer, fixture};

const BOB: &str = "bob@example.com";

/// Where a browser begins, with the page that it wants.
fn start(fixture: &Fixture) -> String {
    let acme = fixture.acme();
    format!(
        "{}/v1/auth/sso/{acme}/signin?redirect=/account/keys",
        fixture.url()
    )
}

/// The value of a hidden field of the page that asks.
#[track_caller]
fn field(page: &Answer, name: &str) -> String {
    let (_, rest) = page
        .text
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The form of that page, as its button sends it.
fn agree<'h>(browser: &Wanderer<'h>, fixture: &'h Fixture, page: &Answer) -> Call {
    let names = ["connection", "user", "email", "return_to"];
    let pairs = names.map(|name| format!("{name}={}", field(page, name)));
    send(browser, fixture, &pairs.join("&"))
}

fn send<'h>(browser: &Wanderer<'h>, fixture: &'h Fixture, fields: &str) -> Call {
    browser
        .with_cookies(fixture.post("/sign-in/confirm"))
        .body("application/x-www-form-urlencoded", fields)
}

/// Where the page that follows sends the browser.
#[track_caller]
fn sent_to(page: &Answer) -> String {
    let (_, rest) = page
        .text
        .split_once("<a class=\"button wide\" href=\"")
        .unwrap();
    let url = rest.split('"').next().unwrap();
    url.replace("&#38;", "&").replace("&#x3d;", "=")
}

/// Whom a session is of; 401 where it has ended.
async fn status_of(fixture: &Fixture, cookie: &str) -> (u16, String) {
    let call = fixture.get("/api/auth/session").cookie(cookie);
    let answer = call.send().await;
    let email = answer.json()["user"]["email"].as_str().map(str::to_owned);
    (answer.status, email.unwrap_or_default())
}

#[rstest]
#[tokio::test]
async fn a_link_ends_no_session_before_its_user_has_agreed_on_a_page_of_ours(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let mut browser = Wanderer::new(&fixture);
    // Who is not signed in follows a plain link.
    browser.sign_in(&start(&fixture), CLEO).await.expect(303);
    let before = browser.session().unwrap();

    // Whatever the browser says of where the link stood.
    for site in [
        None,
        Some("cross-site"),
        Some("same-site"),
        Some("same-origin"),
        Some("none"),
    ] {
        let mut call = browser.with_cookies(fixture.beside("GET", &start(&fixture)));
        if let Some(site) = site {
            call = call.header("sec-fetch-site", site);
        }
        let asked = call.send().await.expect(303);
        let to = asked.header("location");
        assert!(to.starts_with("/sign-in/confirm?"), "{site:?}: {to}");
        assert_eq!(asked.header("set-cookie"), "", "nothing has begun");
    }
    let asked = browser.get(&start(&fixture)).await.expect(303);
    let url = format!("{}{}", fixture.url(), asked.header("location"));
    let page = browser.get(&url).await.expect(200);
    let provider = fixture.idp_url().split('/').nth(2).unwrap();
    for told in [CLEO, ">Acme<", &format!(">{provider}<")] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    assert_eq!(field(&page, "return_to"), "/account/keys");
    let own = (200, CLEO.to_owned());
    assert_eq!(status_of(&fixture, &before).await, own);

    // Nobody agrees in the place of the person: not without our origin, and not as somebody else.
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let mut call = agree(&browser, &fixture, &page);
        if let Some(origin) = origin {
            call = call.origin(origin);
        }
        call.send().await.expect(403);
    }
    let (connection, bob) = (fixture.sso_connection(), fixture.bob().id);
    let fields = format!("connection={connection}&user={bob}");
    let call = send(&browser, &fixture, &fields).origin(fixture.url());
    let again = call.send().await.expect(409);
    assert_eq!(field(&again, "user"), field(&page, "user"));
    assert_eq!(status_of(&fixture, &before).await, own);

    // The person does, and somebody else comes back.
    let call = agree(&browser, &fixture, &page).origin(fixture.url());
    let on = call.send().await.expect(200);
    browser.keep(&on);
    let back = browser.pick(&sent_to(&on), BOB).await;
    let end = browser.get(&back).await.expect(303);
    assert_eq!(end.header("location"), "/account/keys");
    assert_eq!(status_of(&fixture, &before).await.0, 401);
    let now = browser.session().unwrap();
    assert_eq!(status_of(&fixture, &now).await, (200, BOB.to_owned()));
    // And the page says who that is.
    let keys = browser
        .get(&format!("{}/account/keys", fixture.url()))
        .await;
    let told = "You are signed in as bob@example.com.";
    assert!(keys.text.contains(told), "{}", keys.text);
}

#[rstest]
#[tokio::test]
async fn what_began_unasked_takes_the_place_of_no_session_that_began_meanwhile(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let mut browser = Wanderer::new(&fixture);
    let begun = browser.get(&start(&fixture)).await.expect(307);
    let back = browser.pick(begun.header("location"), BOB).await;
    let ada = fixture.cookie_of(&fixture.ada()).await;
    browser.has_session(&ada);
    let refused = browser.get(&back).await.expect(409);
    assert_eq!(refused.reason(), "signed_in_already");
    assert_eq!(browser.session().unwrap(), ada);
    assert_eq!(status_of(&fixture, &ada).await, (200, fixture.ada().email));

    // Cleo agreed, and it is Ada who is signed in when the browser comes back.
    browser = Wanderer::new(&fixture);
    browser.sign_in(&start(&fixture), CLEO).await.expect(303);
    let asked = browser.get(&start(&fixture)).await.expect(303);
    let url = format!("{}{}", fixture.url(), asked.header("location"));
    let page = browser.get(&url).await.expect(200);
    let call = agree(&browser, &fixture, &page).origin(fixture.url());
    let on = call.send().await.expect(200);
    browser.keep(&on);
    let back = browser.pick(&sent_to(&on), BOB).await;
    browser.has_session(&ada);
    browser.get(&back).await.expect(409);
    assert_eq!(status_of(&fixture, &ada).await, (200, fixture.ada().email));
}

#[rstest]
#[tokio::test]
async fn one_person_may_come_back_from_one_provider_in_two_tabs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let mut browser = Wanderer::new(&fixture);
    let mut backs = Vec::new();
    for person in [CLEO, CLEO, BOB] {
        let begun = browser.get(&start(&fixture)).await.expect(307);
        backs.push(browser.pick(begun.header("location"), person).await);
    }
    browser.get(&backs[0]).await.expect(303);
    let first = browser.session().unwrap();
    browser.get(&backs[1]).await.expect(303);
    let second = browser.session().unwrap();
    assert_eq!(status_of(&fixture, &first).await.0, 401);
    assert_eq!(status_of(&fixture, &second).await, (200, CLEO.to_owned()));
    browser.get(&backs[2]).await.expect(409);
    assert_eq!(status_of(&fixture, &second).await, (200, CLEO.to_owned()));

    // Once signed out, the plain link leads straight on, whatever cookie the browser still has.
    let call = fixture.post("/api/auth/sign-out").cookie(&second);
    call.origin(fixture.url()).send().await.expect(200);
    browser.get(&start(&fixture)).await.expect(307);
}
