//! Pages for what passes by itself: they say why, when to come back, what to quote and how to go on.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_e2e::{Answer, Backend, Fixture, Setup};

use super::{Browser, assert_page, form};

/// Sends the form with the password.
async fn enter(fixture: &Fixture, email: &str) -> Answer {
    let call = fixture.post("/sign-in/password").origin(fixture.url());
    form(call, &[("email", email), ("password", "wrong")])
        .send()
        .await
}

/// Holds an answer to what such a page says; `way_on` is where its link leads.
#[track_caller]
fn assert_tells(page: &Answer, title: &str, reason: &str, way_on: &str) {
    assert_page(page);
    let wait: u64 = page.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let when = match wait {
        1 => "Come back in a second.".to_owned(),
        more => format!("Come back in {more} seconds."),
    };
    let link = format!("href=\"{way_on}\"");
    let id = page.header("x-request-id");
    for said in [title, reason, &when, &link, id] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
}

#[rstest]
#[tokio::test]
async fn too_many_sign_ins_are_told_when_to_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "3");
    let fixture = setup.start().await;
    for number in 0..3 {
        enter(&fixture, &format!("{number}@example.com"))
            .await
            .expect(401);
    }
    let page = enter(&fixture, "3@example.com").await.expect(429);
    assert_tells(
        &page,
        "Too many requests",
        "too many attempts of this kind",
        "/sign-in",
    );
}

#[rstest]
#[tokio::test]
async fn more_passwords_at_once_than_can_be_looked_at_are_told_to_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend)
        .with("PASSWORDS__THREADS", "1")
        .with("PASSWORDS__QUEUE", "1");
    let fixture = setup.start().await;
    let emails: Vec<_> = (0..20)
        .map(|number| format!("{number}@example.com"))
        .collect();
    let pages = join_all(emails.iter().map(|email| enter(&fixture, email))).await;
    let busy = pages.iter().find(|page| page.status == 503);
    assert_tells(
        busy.expect("one is too many"),
        "The server cannot answer now",
        "Too many sign-ins at once",
        "/sign-in",
    );
}

#[tokio::test]
async fn a_page_whose_data_is_out_of_reach_says_so_and_opens_again_when_it_is_back() {
    let fixture = Setup::new(Backend::Postgres).wired().start().await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let path = "/account/sessions";
    ada.get(path).await.expect(200);
    fixture.wire().cut();
    let mut page = ada.get(path).await;
    // What is remembered of the session may still pass; what it asks for is away in any case.
    while page.status == 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        page = ada.get(path).await;
    }
    let page = page.expect(503);
    assert_tells(
        &page,
        "The server cannot answer now",
        "cannot reach its data",
        path,
    );
    // A form cannot be sent again by a link.
    let fields = [("organization", fixture.acme()), ("first_name", "Ada")];
    let page = ada.post("/account", &fields).await.expect(503);
    assert_tells(
        &page,
        "The server cannot answer now",
        "cannot reach its data",
        "/organization",
    );
    fixture.wire().mend();
    for _ in 0..100 {
        if ada.get(path).await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the page does not open again");
}
