//! `/account`: what belongs to the person.

use vestibule_e2e::{Backend, Fixture};

use super::{Browser, assert_page, secret_of};

#[tokio::test]
async fn a_key_is_made_on_the_page_used_and_revoked_on_the_page() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::of(&fixture, &fixture.ada()).await;
    let acme = fixture.acme();
    assert_page(&browser.get("/account/keys/new").await.expect(200));
    let fields = [
        ("organization", acme),
        ("name", "Export"),
        ("expires_in", "30"),
        ("scope", "paths"),
        ("grants[0].path", "/shared/reports"),
        ("grants[0].capability", "READ_ONLY"),
    ];
    let made = browser.make_key(&fields).await.expect(200);
    assert_page(&made);
    let secret = secret_of(&made.text);
    assert!(secret.starts_with("ks_live_"), "{secret}");
    let list = fixture.get("/v1/documents").bearer(secret).send().await;
    let list = list.expect(200).json();
    assert_eq!(list["total"], 1, "{list}");

    let keys = browser.get("/account/keys").await.expect(200);
    assert_page(&keys);
    assert!(!keys.text.contains(secret));
    assert!(keys.text.contains("/shared/reports"));
    let id = keys.text.split("name=\"key\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    let fields = [("organization", acme), ("key", id)];
    let revoked = browser.post("/account/keys/revoke", &fields).await;
    let revoked = revoked.expect(303);
    assert_eq!(revoked.header("location"), "/account/keys");
    let notice = revoked.header("set-cookie");
    assert!(notice.starts_with("__Host-notice=key; "), "{notice}");
    let refused = fixture.get("/v1/documents").bearer(secret).send().await;
    refused.expect(401);
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_named_beside_its_field_and_nothing_is_lost() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::of(&fixture, &fixture.ada()).await;
    let fields = [
        ("organization", fixture.acme()),
        ("name", ""),
        ("expires_in", "30"),
        ("scope", "paths"),
        ("grants[0].path", "shared"),
        ("grants[0].capability", "READ_WRITE"),
    ];
    let page = browser.post("/account/keys", &fields).await.expect(422);
    assert_page(&page);
    let text = &page.text;
    assert!(text.contains("href=\"#f-name\""), "{text}");
    assert!(text.contains("id=\"f-grants[0].path\""), "{text}");
    assert!(text.contains("value=\"shared\""), "{text}");
    assert!(text.contains("aria-invalid=\"true\""), "{text}");
    assert!(
        text.contains("<option value=\"READ_WRITE\" selected>"),
        "{text}"
    );
}

#[tokio::test]
async fn a_new_password_ends_the_other_session_and_keeps_this_one() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let mut bob = fixture.bob();
    let mut here = Browser::of(&fixture, &bob).await;
    let there = Browser::of(&fixture, &bob).await;
    let change = |current: &str| {
        [
            ("organization", fixture.acme().to_owned()),
            ("current_password", current.to_owned()),
            ("new_password", "a much better one".to_owned()),
        ]
    };
    let wrong = change("wrong");
    let wrong: Vec<_> = wrong
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let page = here.post("/account/password", &wrong).await.expect(422);
    assert_page(&page);
    assert!(!page.text.contains("a much better one"));
    there.get("/account").await.expect(200);

    let right = change(&bob.password);
    let right: Vec<_> = right
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let done = here.post("/account/password", &right).await.expect(303);
    let old = std::mem::replace(&mut here.cookie, done.session_cookie().unwrap());
    here.get("/account/sessions").await.expect(200);
    there.get("/account").await.expect(303);
    let call = fixture.get("/api/auth/session").cookie(&old);
    call.send().await.expect(401);
    bob.password = "a much better one".to_owned();
    Browser::of(&fixture, &bob).await;
}

#[tokio::test]
async fn passwords_that_no_one_can_have_are_named_together() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    let long = "x".repeat(1_025);
    let fields = [
        ("organization", fixture.acme()),
        ("current_password", ""),
        ("new_password", &long),
    ];
    let page = bob.post("/account/password", &fields).await.expect(422);
    assert_page(&page);
    for sentence in [
        "Current password must not be empty.",
        "New password must have at most 1024 bytes.",
    ] {
        assert!(page.text.contains(sentence), "{sentence}: {}", page.text);
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = fixture.bob();
    let here = Browser::of(&fixture, &bob).await;
    let there = Browser::of(&fixture, &bob).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let page = here.get("/account/sessions").await.expect(200);
    assert_page(&page);
    let ids: Vec<_> = page
        .text
        .split("name=\"session\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    // One's own stands there without a button.
    assert_eq!(ids.len(), 1);
    let fields = [("organization", fixture.acme()), ("session", ids[0])];
    let stolen = ada.post("/account/sessions/end", &fields).await.expect(404);
    assert_page(&stolen);
    there.get("/account").await.expect(200);
    here.post("/account/sessions/end", &fields)
        .await
        .expect(303);
    there.get("/account").await.expect(303);
    here.get("/account").await.expect(200);
}
