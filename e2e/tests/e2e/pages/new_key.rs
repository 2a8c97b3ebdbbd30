//! A key that the form creates: once, however often the form is sent, and shown once.

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_e2e::{Answer, Backend, Fixture, Person, Setup, Visitor};

use super::{Browser, assert_page, form, sealed_key, secret_of, token_of};

const SHOWN: &str = "This API key has been shown";
const COOKIE: &str = "__Host-vestibule-new-key";

/// Signs somebody in on the pages, to the form for a key.
async fn at_the_form(fixture: &Fixture, person: &Person) -> (Visitor, vestibule_e2e::Page) {
    let mut visitor = Visitor::new(&[]);
    let url = format!("{}/account/keys/new", fixture.url());
    let page = visitor.open(&url).await;
    let page = visitor.submit(&page, &[("email", &person.email)]).await;
    let password = [("password", person.password.as_str())];
    let page = visitor.submit(&page, &password).await;
    (visitor, page)
}

/// Counts the caller's live keys of this name.
async fn count(browser: &Browser<'_>, name: &str) -> usize {
    let keys = browser.get("/account/keys").await.expect(200).text;
    keys.matches(&format!("<bdi>{name}</bdi>")).count()
}

/// Counts the keys of this name that were ever created in the first organisation.
async fn ever(fixture: &Fixture, name: &str) -> usize {
    let records = fixture.audit(fixture.acme()).await;
    let of_it = |record: &&serde_json::Value| {
        record["kind"] == "api_key.created" && record["details"]["after"]["name"] == name
    };
    records.iter().filter(of_it).count()
}

fn fields<'f>(fixture: &'f Fixture, name: &'f str, token: &'f str) -> [(&'f str, &'f str); 4] {
    [
        ("organization", fixture.acme()),
        ("name", name),
        ("expires_in", "30"),
        ("form_token", token),
    ]
}

#[track_caller]
fn assert_shown(page: &Answer) {
    assert_eq!(page.status, 200, "{}", page.text);
    assert_page(page);
    assert!(page.text.contains(SHOWN), "{}", page.text);
    assert!(!page.text.contains("ks_live_"), "{}", page.text);
    assert_eq!(page.header("set-cookie"), "");
}

#[rstest]
#[tokio::test]
async fn a_new_key_is_shown_once_and_a_reload_creates_nothing_and_says_that_it_was_shown(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (mut visitor, page) = at_the_form(&fixture, &fixture.ada()).await;
    let form = page.form_to("/account/keys").unwrap();
    let fields = [("name", "Export"), ("expires_in", "30")];
    let shown = visitor.send(&page, form, &fields).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let secret = secret_of(&shown.text);
    assert!(secret.starts_with("ks_live_"), "{secret}");
    let call = fixture.get("/v1/users/me").bearer(secret);
    call.send().await.expect(200);
    let path = "/account/keys/created/key_";
    assert!(
        shown.way.len() == 1 && shown.way[0].starts_with(path),
        "{:?}",
        shown.way
    );
    assert!(!shown.way.concat().contains(secret) && !shown.url.contains(secret));
    assert_eq!(shown.headers["cache-control"], "no-store");
    // The page has taken the cookie away.
    assert_eq!(visitor.cookie(&shown.url, COOKIE), None);

    for _ in 0..2 {
        let again = visitor.open(&shown.url).await;
        assert_eq!(again.status, 200);
        assert_eq!(again.headers["cache-control"], "no-store");
        assert!(again.text.contains(SHOWN), "{}", again.text);
        assert!(again.text.contains("<bdi>Export</bdi>"), "{}", again.text);
        assert!(!again.text.contains("ks_live_"), "{}", again.text);
    }
    let list = visitor
        .open(&format!("{}/account/keys", fixture.url()))
        .await
        .text;
    assert_eq!(list.matches("<bdi>Export</bdi>").count(), 1);
    assert_eq!(ever(&fixture, "Export").await, 1);
    // Of a key that is none of the person's, the page says no more.
    let nobodys = format!("{}{path}01jhmpfn80e48s5s0q7b7cwx5e", fixture.url());
    let page = visitor.open(&nobodys).await;
    assert!(page.status == 200 && page.text.contains(SHOWN));
    let garbage = format!("{}{path}x", fixture.url());
    assert_eq!(visitor.open(&garbage).await.status, 404);
}

#[tokio::test]
async fn a_new_secret_travels_sealed_for_a_minute_and_in_no_url() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let token = ada.token("/account/keys/new").await;
    let wanted = fields(&fixture, "Export", &token);
    let made = ada.post("/account/keys", &wanted).await.expect(303);
    assert_eq!(made.header("cache-control"), "no-store");
    let cookie = made.header("set-cookie").to_owned();
    let (start, attributes) = cookie.split_once("; ").unwrap();
    assert!(start.starts_with(&format!("{COOKIE}=")), "{cookie}");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
    );
    assert!(cookie.len() < 512, "{cookie}");
    let page = ada.show_key(&made).await.expect(200);
    assert_page(&page);
    let cleared = page.header("set-cookie");
    assert!(cleared.starts_with(&format!("{COOKIE}=; Path=/; Max-Age=0;")));
    let secret = secret_of(&page.text);
    // Neither as it is, nor in the encoding of the cookie, nor in the token, the log or the audit.
    // In base64, three alignments of the same bytes are three texts.
    let encoded: Vec<_> = (0..3)
        .map(|at| {
            let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let text = base64::Engine::encode(&engine, &secret.as_bytes()[at..]);
            text[..text.len() - 2].to_owned()
        })
        .collect();
    let traces = || encoded.iter().map(String::as_str).chain([secret]);
    let audit = serde_json::to_string(&fixture.audit(fixture.acme()).await).unwrap();
    for text in [
        &cookie,
        &token,
        made.header("location"),
        &made.text,
        &audit,
        &fixture.log(),
    ] {
        for trace in traces() {
            assert!(!text.contains(trace), "{trace} in {text}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_secret_is_shown_to_the_session_that_created_the_key_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let mut ada = Browser::of(&fixture, &fixture.ada()).await;
    let token = ada.token("/account/keys/new").await;
    let wanted = fields(&fixture, "Export", &token);
    let made = ada.post("/account/keys", &wanted).await.expect(303);
    let sealed = sealed_key(&made).unwrap();
    let show = async |browser: &Browser<'_>, path: &str, sealed: &str| {
        let cookies = format!("__Host-vestibule={}; {COOKIE}={sealed}", browser.cookie);
        let call = fixture.get(path).header("cookie", &cookies);
        call.header("accept", "text/html").send().await
    };
    let path = made.header("location");
    let other_session = Browser::of(&fixture, &fixture.ada()).await;
    let other_user = Browser::of(&fixture, &fixture.bob()).await;
    for other in [&other_session, &other_user] {
        assert_shown(&show(other, path, &sealed).await);
    }
    // Whoever is not signed in is sent to the sign-in.
    let call = fixture.get(path).header("accept", "text/html");
    let call = call.header("cookie", &format!("{COOKIE}={sealed}"));
    let asked = call.send().await.expect(303);
    assert!(asked.header("location").starts_with("/sign-in?"));
    // Changed, cut off, made up, the token of the form, on the page of another key.
    let mut changed = sealed.clone();
    changed.replace_range(30..31, if &sealed[30..31] == "A" { "B" } else { "A" });
    let long = "A".repeat(3_000);
    for wrong in [
        &changed,
        &sealed[..sealed.len() - 3],
        "",
        "%00",
        &long,
        &token,
    ] {
        assert_shown(&show(&ada, path, wrong).await);
    }
    let elsewhere = "/account/keys/created/key_01jhmpfn80e48s5s0q7b7cwx5e";
    assert_shown(&show(&ada, elsewhere, &sealed).await);
    // In another organisation, too, and back again it is the one.
    ada.switch(fixture.globex(), "/account/keys").await;
    assert_shown(&show(&ada, path, &sealed).await);
    ada.switch(fixture.acme(), "/account/keys").await;
    let page = show(&ada, path, &sealed).await.expect(200);
    assert!(secret_of(&page.text).starts_with("ks_live_"));
    // Once the key is revoked it is no secret of anything.
    let key = path.rsplit('/').next().unwrap();
    let fields = [("organization", fixture.acme()), ("key", key)];
    ada.post("/account/keys/revoke", &fields).await.expect(303);
    assert_shown(&show(&ada, path, &sealed).await);
}

#[rstest]
#[tokio::test]
async fn the_same_form_sent_many_times_at_once_creates_one_key_and_every_answer_shows_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let token = ada.token("/account/keys/new").await;
    let fields = fields(&fixture, "Export", &token);
    let all = join_all((0..8).map(|_| ada.post("/account/keys", &fields))).await;
    let mut seen = Vec::new();
    for made in &all {
        assert_eq!(made.status, 303, "{}", made.text);
        let page = ada.show_key(made).await.expect(200);
        seen.push((
            made.header("location").to_owned(),
            secret_of(&page.text).to_owned(),
        ));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(count(&ada, "Export").await, 1);
    // A POST that is loaded again is the same submission.
    let again = ada.post("/account/keys", &fields).await.expect(303);
    assert_eq!(again.header("location"), seen[0].0);
    assert_eq!(count(&ada, "Export").await, 1);
    assert_eq!(ever(&fixture, "Export").await, 1);
    // Another form is another key.
    let token = ada.token("/account/keys/new").await;
    let another = self::fields(&fixture, "Another", &token);
    let made = ada.post("/account/keys", &another).await.expect(303);
    assert_ne!(made.header("location"), seen[0].0);
    assert_eq!(count(&ada, "Another").await, 1);
    // So is one after the key is revoked: it comes to no life again.
    let key = seen[0].0.rsplit('/').next().unwrap();
    let revoke = [("organization", fixture.acme()), ("key", key)];
    ada.post("/account/keys/revoke", &revoke).await.expect(303);
    let again = ada.post("/account/keys", &fields).await.expect(303);
    assert_eq!(sealed_key(&again), None);
    assert_shown(&ada.show_key(&again).await);
    assert_eq!(count(&ada, "Export").await, 0);
    let call = fixture.get("/v1/users/me").bearer(&seen[0].1);
    call.send().await.expect(401);
}

#[rstest]
#[tokio::test]
async fn a_form_of_another_session_creates_nothing_and_is_shown_again_as_it_was_filled_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    let earlier = Browser::of(&fixture, &fixture.ada()).await;
    let token = ada.token("/account/keys/new").await;
    let mut changed = token.clone();
    changed.replace_range(40..41, if &token[40..41] == "A" { "B" } else { "A" });
    let tokens = [
        earlier.token("/account/keys/new").await,
        bob.token("/account/keys/new").await,
        changed,
        "key_01jhmpfn80e48s5s0q7b7cwx5e".to_owned(),
        String::new(),
    ];
    for wrong in &tokens {
        let wanted = fields(&fixture, "Export", wrong);
        let page = ada.post("/account/keys", &wanted).await.expect(409);
        assert_page(&page);
        assert!(page.text.contains("Nothing was created"), "{}", page.text);
        assert!(page.text.contains("value=\"Export\""), "{}", page.text);
        assert!(page.text.contains("value=\"30\" selected"), "{}", page.text);
        assert_ne!(token_of(&page.text), *wrong);
    }
    let without = &fields(&fixture, "Export", "")[..3];
    let page = ada.post("/account/keys", without).await.expect(409);
    assert_eq!(ever(&fixture, "Export").await, 0);
    // Sent again as it is shown, it creates the key.
    let token = token_of(&page.text);
    let wanted = fields(&fixture, "Export", &token);
    ada.post("/account/keys", &wanted).await.expect(303);
    assert_eq!(count(&ada, "Export").await, 1);
}

#[rstest]
#[tokio::test]
async fn the_form_for_a_connection_sent_twice_at_once_creates_one_connection(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Setup::new(backend).with_idp().start().await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let base = format!("/organization/{}/sso", fixture.acme());
    let new = format!("{base}/new");
    let token = ada.token(&new).await;
    let wanted = |token| {
        [
            ("organization", fixture.acme()),
            ("name", "Second provider"),
            ("preset", "generic"),
            ("issuer", fixture.idp_url()),
            ("client_id", "nobody"),
            ("client_secret", "secret"),
            ("save_anyway", "yes"),
            ("form_token", token),
        ]
    };
    let stale = ada.post(&new, &wanted("")).await.expect(409);
    assert_page(&stale);
    assert!(stale.text.contains("value=\"Second provider\""));
    let fields = wanted(&token);
    let (first, second) = tokio::join!(ada.post(&new, &fields), ada.post(&new, &fields));
    let third = ada.post(&new, &fields).await;
    let to = first.header("location").to_owned();
    assert!(to.starts_with(&format!("{base}/connection_")), "{to}");
    for answer in [first, second, third] {
        assert_eq!(answer.expect(303).header("location"), to);
    }
    let list = ada.get(&base).await.expect(200).text;
    let named = format!("href=\"{to}\"><bdi>Second provider</bdi>");
    assert_eq!(list.matches("<bdi>Second provider</bdi>").count(), 1);
    assert!(list.contains(&named), "{list}");
}

#[tokio::test]
async fn a_form_for_a_key_from_another_site_creates_none_even_with_its_token() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let token = ada.token("/account/keys/new").await;
    let call = fixture.post("/account/keys").origin("https://evil.example");
    let call = form(
        call.cookie(&ada.cookie),
        &fields(&fixture, "Export", &token),
    );
    call.send().await.expect(403);
    assert_eq!(ever(&fixture, "Export").await, 0);
}

/// Back in the browser, changed, and sent again: the key of before is not passed off as this one.
#[rstest]
#[tokio::test]
async fn a_form_sent_again_with_other_entries_shows_no_key_and_creates_none(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let token = ada.token("/account/keys/new").await;
    let first = fields(&fixture, "Export", &token);
    ada.post("/account/keys", &first).await.expect(303);
    let narrower = [
        ("scope", "paths"),
        ("grants[0].path", "/shared"),
        ("grants[0].capability", "READ_ONLY"),
    ];
    for changed in [
        fields(&fixture, "Partner", &token).to_vec(),
        [&first[..], &narrower].concat(),
    ] {
        let page = ada.post("/account/keys", &changed).await.expect(409);
        assert_page(&page);
        assert_eq!(page.header("set-cookie"), "");
        assert!(!page.text.contains("ks_live_"), "{}", page.text);
    }
    assert_eq!(
        (
            ever(&fixture, "Export").await,
            ever(&fixture, "Partner").await
        ),
        (1, 0)
    );
}
