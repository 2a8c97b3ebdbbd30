//! `/sign-in`, `/sign-out` and what stands between.

use rstest::rstest;
use vestibule_e2e::{Backend, Fixture};

use super::{Browser, assert_page, encode, form};

#[tokio::test]
async fn a_person_signs_in_with_address_and_password_and_is_sent_to_the_page_asked_for() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = fixture.ada();
    let asked = fixture.get("/account/keys").header("accept", "text/html");
    let sent = asked.send().await.expect(303);
    assert_eq!(
        sent.header("location"),
        "/sign-in?return_to=%2Faccount%2Fkeys"
    );
    let page = fixture
        .get(sent.header("location"))
        .send()
        .await
        .expect(200);
    assert_page(&page);
    assert!(
        page.text.contains("value=\"/account/keys\""),
        "{}",
        page.text
    );
    assert!(page.text.contains("autocomplete=\"username webauthn\""));

    let call = fixture.post("/sign-in").origin(fixture.url());
    let fields = [
        ("email", ada.email.as_str()),
        ("return_to", "/account/keys"),
    ];
    let page = form(call, &fields).send().await.expect(200);
    assert_page(&page);
    assert!(page.text.contains("autocomplete=\"current-password\""));
    assert!(page.text.contains("value=\"/account/keys\""));

    let call = fixture.post("/sign-in/password").origin(fixture.url());
    let fields = [
        ("email", ada.email.as_str()),
        ("password", &ada.password),
        ("return_to", "/account/keys"),
    ];
    let done = form(call, &fields).send().await.expect(303);
    assert_eq!(done.header("location"), "/account/keys");
    let cookie = done.session_cookie().unwrap();
    let keys = fixture.get("/account/keys").cookie(&cookie).send().await;
    assert_page(&keys.expect(200));

    // Signed in already: straight on.
    let call = fixture.get("/sign-in?return_to=/account").cookie(&cookie);
    assert_eq!(call.send().await.expect(303).header("location"), "/account");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = fixture.ada();
    let mut seen = Vec::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let call = fixture.post("/sign-in/password").origin(fixture.url());
        let fields = [("email", email), ("password", "wrong")];
        let page = form(call, &fields).send().await.expect(401);
        assert_page(&page);
        assert_eq!(page.session_cookie(), None);
        assert!(
            page.text
                .contains("role=\"alert\" tabindex=\"-1\" autofocus")
        );
        assert!(!page.text.contains("value=\"wrong\""));
        seen.push(
            page.text
                .replace(email, "someone")
                .replace(&email.replace('@', "%40"), "someone"),
        );
    }
    assert_eq!(seen[0], seen[1]);
    let call = fixture.post("/sign-in").origin(fixture.url());
    let page = form(call, &[("email", "<img src=x onerror=alert(1)>")]);
    let page = page.send().await.expect(422);
    assert_page(&page);
    assert!(!page.text.contains("<img src=x"), "{}", page.text);
}

#[rstest]
#[case(String::new(), "Password must be entered.")]
#[case("x".repeat(1_025), "Password must have at most 1024 bytes.")]
#[tokio::test]
async fn a_password_that_no_one_can_have_is_named_on_the_page(
    #[case] password: String,
    #[case] sentence: &str,
) {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let call = fixture.post("/sign-in/password").origin(fixture.url());
    let fields = [("email", "ada@example.com"), ("password", &password)];
    let page = form(call, &fields).send().await.expect(422);
    assert_page(&page);
    assert!(page.text.contains(sentence), "{}", page.text);
    assert!(page.text.contains("value=\"ada@example.com\""));
    assert!(!page.text.contains("xxxx"), "{}", page.text);
}

#[rstest]
#[case("//evil.example")]
#[case("/\\evil.example")]
#[case("https://evil.example/")]
#[case("javascript:alert(1)")]
#[case("/%2f/evil.example")]
#[case("/\t/evil.example")]
#[case("/sign-in")]
#[tokio::test]
async fn nobody_is_sent_elsewhere_after_signing_in(#[case] path: &str) {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = fixture.bob();
    let call = fixture.post("/sign-in/password").origin(fixture.url());
    let fields = [
        ("email", bob.email.as_str()),
        ("password", &bob.password),
        ("return_to", path),
    ];
    let done = form(call, &fields).send().await.expect(303);
    assert_eq!(done.header("location"), "/organizations");
    let cookie = done.session_cookie().unwrap();
    let again = format!("/sign-in?return_to={}", encode(path));
    let on = fixture.get(&again).cookie(&cookie).send().await.expect(303);
    assert_eq!(on.header("location"), "/organization");
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_in_or_out_and_changes_nothing() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = fixture.ada();
    let browser = Browser::of(&fixture, &ada).await;
    let acme = fixture.acme();
    let path = format!("/organization/{acme}/settings");
    for wrong in [None, Some("null"), Some("https://evil.example")] {
        for (to, fields) in [
            (
                "/sign-in/password",
                vec![("email", ada.email.as_str()), ("password", &ada.password)],
            ),
            ("/sign-out", vec![]),
            ("/switch", vec![("to", fixture.globex())]),
            (&path, vec![("organization", acme), ("name", "Stolen")]),
        ] {
            let mut call = fixture.post(to).cookie(&browser.cookie);
            if let Some(wrong) = wrong {
                call = call.origin(wrong);
            }
            let refused = form(call, &fields).send().await.expect(403);
            assert_page(&refused);
            assert_eq!(refused.session_cookie(), None);
            let id = refused.header("x-request-id");
            assert!(refused.text.contains(id), "{}", refused.text);
        }
    }
    let page = browser.get(&path).await.expect(200);
    assert!(page.text.contains("value=\"Acme\""));
    // A junk bearer beside the cookie does not switch the guard off: pages read no bearer.
    let call = fixture
        .post(&path)
        .cookie(&browser.cookie)
        .bearer(fixture.key());
    let fields = [("organization", acme), ("name", "Stolen")];
    form(call, &fields).send().await.expect(403);
    let call = fixture.get("/account").bearer(fixture.key());
    call.send().await.expect(303);
}

#[tokio::test]
async fn no_other_site_has_a_browser_forget_what_it_keeps_of_this_one() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let forget = || fixture.get("/signed-out/forget");
    let plain = forget().send().await.expect(204);
    assert_eq!(plain.header("clear-site-data"), "\"cache\"");
    for (site, expected) in [
        ("same-origin", "\"cache\""),
        ("same-site", ""),
        ("cross-site", ""),
        ("none", ""),
    ] {
        let call = forget().header("sec-fetch-site", site);
        let answer = call.send().await.expect(204);
        assert_eq!(answer.header("clear-site-data"), expected, "{site}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_person_signs_out_and_a_page_left_open_says_so() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::of(&fixture, &fixture.ada()).await;
    let out = browser.post("/sign-out", &[]).await.expect(303);
    assert_eq!(out.header("location"), "/signed-out");
    assert_eq!(out.session_cookie().as_deref(), Some(""));
    assert_page(&fixture.get("/signed-out").send().await.expect(200));
    let ended = browser.get("/account").await.expect(303);
    assert_eq!(
        ended.header("location"),
        "/sign-in?return_to=%2Faccount&ended=1"
    );
    let fields = [("organization", fixture.acme()), ("first_name", "Eve")];
    let late = browser.post("/account", &fields).await.expect(401);
    assert_page(&late);
    assert!(late.text.contains("href=\"/sign-in\""));
}

#[tokio::test]
async fn the_first_address_opens_a_page_for_people_and_json_for_programs() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let program = fixture.get("/").send().await.expect(200);
    assert_eq!(program.json()["service"], "Vestibule");
    assert_eq!(program.header("vary"), "accept");
    let person = fixture.get("/").header("accept", "text/html").send().await;
    assert_eq!(person.expect(303).header("location"), "/organization");
    let nowhere = fixture.get("/nowhere").header("accept", "text/html");
    assert_page(&nowhere.send().await.expect(404));
    let program = fixture.get("/nowhere").send().await.expect(401);
    assert_eq!(program.header("content-type"), "application/problem+json");
    let api = fixture.get("/v1/documents").header("accept", "text/html");
    let api = api.send().await.expect(401);
    assert_eq!(api.header("content-type"), "application/problem+json");
    let url = fixture.facts()["sign_in_url"].as_str().unwrap();
    let path = url.strip_prefix(fixture.url()).unwrap();
    let page = fixture.get(path).send().await.expect(200);
    assert!(page.text.contains("value=\"ada@example.com\""));
}

#[tokio::test]
async fn the_sign_in_is_small_and_what_it_loads_is_kept_for_ever() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let page = fixture.get("/sign-in").send().await.expect(200);
    let link = page
        .text
        .split("rel=\"stylesheet\" href=\"")
        .nth(1)
        .unwrap();
    let css = link.split('"').next().unwrap();
    let sheet = fixture.get(css).send().await.expect(200);
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        sheet.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    // Without any compression it stays below the bound.
    assert!(page.text.len() + sheet.text.len() < 30 * 1024);
    assert!(!page.text.contains("<script"));
    fixture.get("/assets/app-0.css").send().await.expect(404);
}

#[tokio::test]
async fn what_went_wrong_is_told_in_words_for_people() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let browser = Browser::of(&fixture, &fixture.ada()).await;
    let late = form(fixture.post("/account").origin(fixture.url()), &[]);
    let late = late.send().await.expect(401);
    assert!(late.text.contains("so nothing was done"), "{}", late.text);
    assert!(!late.text.contains("credential"), "{}", late.text);
    let foreign = fixture.post("/account").origin("https://evil.example");
    let foreign = form(foreign.cookie(&browser.cookie), &[]);
    let foreign = foreign.send().await.expect(403);
    assert!(foreign.text.contains("not sent from a page of this server"));
    // The operator sees what is wrong with the configured address.
    assert!(foreign.text.contains(fixture.url()), "{}", foreign.text);
    assert_page(&foreign);
}

#[tokio::test]
async fn nobody_writes_on_the_page_that_leads_to_a_provider() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let page = |email: &str| {
        let ids = "organization=tenant_01h455vb4pex5vsknk084sn02q\
                   &connection=connection_01h455vb4pex5vsknk084sn02q";
        fixture.get(&format!("/sign-in/provider?{ids}&email={email}"))
    };
    let good = page("ada%40example.com").send().await.expect(200);
    assert!(good.text.contains("<bdi>ada@example.com</bdi>"));
    let bad = page("Call%20555-0100%20now").send().await.expect(200);
    assert!(!bad.text.contains("555"), "{}", bad.text);
    assert_page(&bad);
}
