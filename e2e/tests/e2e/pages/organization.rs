//! `/organization`: what belongs to the organisation, and the switch to another.

use vestibule_e2e::{Backend, Fixture};

use super::{Browser, assert_page};
use crate::support;

/// Every page of an organisation, below its own path.
pub(crate) const ALL: &[&str] = &[
    "",
    "/members",
    "/access",
    "/keys",
    "/sso",
    "/audit",
    "/plan",
    "/settings",
    "/documents",
    "/agents",
];

#[tokio::test]
async fn every_page_opens_for_an_owner_and_a_user_sees_those_that_are_for_users() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    let base = format!("/organization/{}", fixture.acme());
    for rest in ALL {
        let path = format!("{base}{rest}");
        assert_page(&ada.get(&path).await.expect(200));
        let open = matches!(*rest, "" | "/plan" | "/documents" | "/agents");
        let answer = bob.get(&path).await.expect(if open { 200 } else { 403 });
        assert_page(&answer);
        let listed = bob.get(&base).await.text;
        assert_eq!(listed.contains(&format!("href=\"{path}\"")), open, "{path}");
    }
    let member = format!("{base}/members/{}", fixture.bob().id);
    assert_page(&ada.get(&member).await.expect(200));
    assert_page(&ada.get(&format!("{base}/sso/new")).await.expect(200));
    for path in ["/organizations", "/account", "/account/password"] {
        assert_page(&ada.get(path).await.expect(200));
    }
    for nowhere in ["/account/nowhere", "/nowhere"] {
        let page = ada.get(nowhere).await.expect(404);
        assert_page(&page);
        assert!(page.text.contains("There is nothing here"), "{}", page.text);
    }
}

#[tokio::test]
async fn the_switcher_gives_a_new_cookie_and_the_same_page_of_the_other_organization() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let mut ada = Browser::of(&fixture, &fixture.ada()).await;
    let old = ada.cookie.clone();
    let (acme, globex) = (fixture.acme(), fixture.globex());
    let page = ada.get(&format!("/organization/{acme}/documents")).await;
    let section = "/organization/{organization}/documents";
    assert!(page.text.contains(&format!("value=\"{section}\"")));
    assert!(page.text.contains("/private/plans"), "{}", page.text);
    let switched = ada.switch(globex, section).await;
    let there = format!("/organization/{globex}/documents");
    assert_eq!(switched.header("location"), there);
    assert_page(&ada.get(&there).await.expect(200));
    let call = fixture.get("/account").cookie(&old);
    call.send().await.expect(303);
    // Not a member, or no organisation at all: not found.
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    for to in [globex, "tenant_01h455vb4pex5vsknk084sn02q", "x", ""] {
        let fields = [("to", to), ("section", section)];
        assert_page(&bob.post("/switch", &fields).await.expect(404));
    }
}

#[tokio::test]
async fn two_tabs_on_two_organizations_never_mix() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let mut ada = Browser::of(&fixture, &fixture.ada()).await;
    let (acme, globex) = (fixture.acme(), fixture.globex());
    let stale = [
        ("organization", acme),
        ("name", "Mixed"),
        ("expires_in", "30"),
    ];
    ada.switch(globex, "/account/keys").await;
    for path in [
        "/account/keys".to_owned(),
        format!("/organization/{globex}/settings"),
        format!("/organization/{acme}/settings"),
    ] {
        let page = ada.post(&path, &stale).await.expect(409);
        assert_page(&page);
        assert!(page.text.contains("org_context_changed"));
        // The way on: back to the one, or on with the other.
        assert!(
            page.text.contains(&format!("value=\"{acme}\"")),
            "{}",
            page.text
        );
        assert!(
            page.text
                .contains(&format!("href=\"/organization/{globex}\""))
        );
    }
    // A form that does not say which organisation it is for does nothing, either.
    let page = ada.post("/account/keys", &stale[1..]).await.expect(409);
    assert_page(&page);
    let page = ada.get(&format!("/organization/{acme}/members")).await;
    assert_page(&page.expect(409));
    for organization in [acme, globex] {
        let kinds: Vec<_> = fixture.audit(organization).await;
        let made = kinds.iter().filter(|row| row["kind"] == "api_key.created");
        let renamed = kinds
            .iter()
            .any(|row| row["kind"] == "organization.renamed");
        assert!(made.count() <= 1 && !renamed, "{kinds:#?}");
    }
}

#[tokio::test]
async fn who_may_do_what_is_explained_and_changes_with_a_permission() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let (acme, bob) = (fixture.acme(), fixture.bob());
    let ask = format!(
        "/organization/{acme}/access?user={}&capability=READ_WRITE&path=/shared/reports/q1",
        bob.id
    );
    let page = ada.get(&ask).await.expect(200);
    assert!(page.text.contains("Refused."), "{}", page.text);
    let grants = format!("/organization/{acme}/members/{}/permissions", bob.id);
    let fields = [
        ("organization", acme),
        ("act", "grant"),
        ("path", "/shared/reports"),
        ("capability", "READ_WRITE"),
    ];
    ada.post(&grants, &fields).await.expect(303);
    let page = ada.get(&ask).await.expect(200);
    assert!(page.text.contains("Allowed."), "{}", page.text);
    assert_page(&page);
    // The same again adds nothing, and says so.
    assert_page(&ada.post(&grants, &fields).await.expect(409));
    let audit = format!("/organization/{acme}/audit?kind=grant.*");
    let page = ada.get(&audit).await.expect(200);
    assert!(page.text.contains("Permission granted"), "{}", page.text);
}

#[tokio::test]
async fn a_hostile_name_is_a_name_on_every_page() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let acme = fixture.acme();
    let hostile = "\"><img src=x onerror=alert(1)>\u{202e}'{{7*7}}&amp;";
    let long = "W".repeat(100);
    let settings = format!("/organization/{acme}/settings");
    let fields = [("organization", acme), ("name", hostile)];
    ada.post(&settings, &fields).await.expect(303);
    let fields = [
        ("organization", acme),
        ("first_name", hostile),
        ("last_name", long.as_str()),
    ];
    ada.post("/account", &fields).await.expect(303);
    let fields = [
        ("organization", acme),
        ("name", hostile),
        ("expires_in", "never"),
    ];
    let made = ada.make_key(&fields).await.expect(200);
    assert!(!made.text.contains("<img src=x"), "{}", made.text);
    let base = format!("/organization/{acme}");
    let pages = ALL.iter().map(|rest| format!("{base}{rest}"));
    let own = [
        "/organizations",
        "/account",
        "/account/keys",
        "/account/sessions",
    ];
    for path in pages.chain(own.map(str::to_owned)) {
        let page = ada.get(&path).await.expect(200);
        assert_page(&page);
        assert!(!page.text.contains("<img src=x"), "{path}: {}", page.text);
        assert!(!page.text.contains("49&amp;amp;"), "{path}");
    }
}

#[tokio::test]
async fn who_may_too_little_here_is_offered_the_same_page_of_another_organization() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    let globex = fixture.globex();
    let page = bob.get(&format!("/organization/{globex}/members")).await;
    let offered = "/organizations?section=%2Forganization%2F%7Borganization%7D%2Fmembers";
    assert!(page.text.contains(offered), "{}", page.text);
    assert_page(&page.expect(403));
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let page = ada.get(offered).await.expect(200);
    let kept = "name=\"section\" value=\"/organization/{organization}/members\"";
    assert!(page.text.contains(kept), "{}", page.text);
    let hostile = ada
        .get("/organizations?section=%22%3E%3Cimg%20src=x%3E")
        .await;
    assert!(!hostile.text.contains("<img src=x"), "{}", hostile.text);
}

#[tokio::test]
async fn redirect_uris_are_registered_and_removed_by_owners_alone() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    let sso = format!("/organization/{}/sso", fixture.acme());
    let path = format!("{sso}/redirect-uris");
    let uri = "https://app.acme.example/arrived?by=sso&x=1";
    let add = |uri| {
        [
            ("organization", fixture.acme()),
            ("act", "add"),
            ("redirect_uri", uri),
        ]
    };
    assert_page(&bob.post(&path, &add(uri)).await.expect(403));
    let wrong = ada.post(&path, &add("ftp://app.acme.example")).await;
    assert!(wrong.text.contains("Redirect URI must"), "{}", wrong.text);
    assert_page(&wrong.expect(422));
    let added = ada.post(&path, &add(uri)).await.expect(303);
    assert_eq!(added.header("cache-control"), "no-store");
    let page = ada.get(&sso).await.expect(200);
    assert!(
        page.text.contains("arrived?by=sso&#38;x=1"),
        "{}",
        page.text
    );
    let id = page.text.split("value=\"redirect_").last().unwrap();
    let id = format!("redirect_{}", id.split('"').next().unwrap());
    let remove = [
        ("organization", fixture.acme()),
        ("act", "remove"),
        ("id", id.as_str()),
    ];
    ada.post(&path, &remove).await.expect(303);
    assert_page(&ada.post(&path, &remove).await.expect(404));
    let page = ada.get(&sso).await.expect(200);
    assert!(!page.text.contains("arrived?by=sso"), "{}", page.text);
}

#[tokio::test]
async fn the_audit_log_says_what_was_done_to_what() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let acme = fixture.acme();
    let fields = [
        ("organization", acme),
        ("name", "Nightly <b>"),
        ("expires_in", "7"),
    ];
    ada.make_key(&fields).await.expect(200);
    let keys = ada.get("/account/keys").await.expect(200).text;
    let id = keys.split("name=\"key\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    let fields = [("organization", acme), ("key", id)];
    ada.post("/account/keys/revoke", &fields).await.expect(303);
    for kind in ["api_key.created", "api_key.deleted"] {
        let audit = format!("/organization/{acme}/audit?kind={kind}&subject={id}");
        let page = ada.get(&audit).await.expect(200);
        assert!(
            page.text.contains("<bdi>Nightly &#60;b&#62;</bdi>"),
            "{}",
            page.text
        );
    }
    // In the words of the other pages.
    let bob = fixture.bob().id;
    let grants = format!("/organization/{acme}/members/{bob}/permissions");
    let fields = [
        ("organization", acme),
        ("act", "grant"),
        ("path", "/shared"),
        ("capability", "READ_ONLY"),
    ];
    ada.post(&grants, &fields).await.expect(303);
    let audit = format!("/organization/{acme}/audit?kind=grant.created");
    let page = ada.get(&audit).await.expect(200);
    assert!(page.text.contains("<bdi>Read</bdi>"), "{}", page.text);
}

#[tokio::test]
async fn a_filter_of_the_audit_log_that_is_wrong_is_named_and_kept() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let audit = format!("/organization/{}/audit", fixture.acme());
    let wrong = format!("{audit}?since=never&kind=api_key.*&subject=key_1");
    let page = ada.get(&wrong).await.expect(422);
    assert_page(&page);
    for kept in [
        "href=\"#f-since\"",
        "value=\"never\"",
        "value=\"api_key.*\" selected",
        "value=\"key_1\"",
    ] {
        assert!(page.text.contains(kept), "{kept}: {}", page.text);
    }
    // No records of another filter than was asked for.
    assert!(!page.text.contains("class=\"rows\""), "{}", page.text);
}

#[tokio::test]
async fn a_long_list_of_documents_is_shown_in_parts() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let folder = support::shared(&fixture).await;
    for number in 0..51 {
        support::document(&fixture, &folder, &format!("Number {number}")).await;
    }
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let path = format!("/organization/{}/documents", fixture.acme());
    let shown = |page: &str| page.matches("<div class=\"what\">").count();
    let page = ada.get(&path).await.expect(200);
    assert_eq!(shown(&page.text), 50);
    let next = format!("href=\"{path}?offset=50\"");
    assert!(page.text.contains(&next), "{}", page.text);
    let page = ada.get(&format!("{path}?offset=50")).await.expect(200);
    assert!((1..50).contains(&shown(&page.text)), "{}", page.text);
    assert_page(&page);
    assert_page(&ada.get(&format!("{path}?offset=x")).await.expect(200));
}

#[tokio::test]
async fn what_was_done_is_told_once_and_by_no_link() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let settings = format!("/organization/{}/settings", fixture.acme());
    let fields = [("organization", fixture.acme()), ("name", "Acme")];
    let done = ada.post(&settings, &fields).await.expect(303);
    assert_eq!(done.header("location"), settings);
    let cookie = done.header("set-cookie").split(';').next().unwrap();
    assert_eq!(cookie, "__Host-notice=settings");
    let cookies = format!("__Host-vestibule={}; {cookie}", ada.cookie);
    let told = fixture.get(&settings).header("cookie", &cookies);
    let told = told.send().await.expect(200);
    let said = "The settings are saved.";
    assert!(told.text.contains(said), "{}", told.text);
    let gone = told.header("set-cookie");
    assert!(gone.starts_with("__Host-notice=; ") && gone.contains("Max-Age=0"));
    let page = ada.get(&format!("{settings}?done=settings")).await;
    assert!(!page.text.contains(said), "{}", page.text);
}

#[tokio::test]
async fn an_administrator_may_not_reach_the_keys_of_owners() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let acme = fixture.acme();
    let member = format!("/organization/{acme}/members/{}", fixture.bob().id);
    let fields = [("organization", acme), ("act", "role"), ("role", "ADMIN")];
    ada.post(&member, &fields).await.expect(303);
    let path = format!("/organization/{acme}/keys");
    let revoke = format!("{path}/revoke");
    let page = ada.get(&path).await.expect(200).text;
    assert!(page.contains(&revoke), "{page}");
    let id = page.split("name=\"key\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    let bob = Browser::of(&fixture, &fixture.bob()).await;
    let page = bob.get(&path).await.expect(200).text;
    assert!(!page.contains(&revoke), "{page}");
    let owner = fixture.ada().id;
    let fields = [
        ("organization", acme),
        ("owner", owner.as_str()),
        ("key", id.as_str()),
    ];
    assert_page(&bob.post(&revoke, &fields).await.expect(403));
}
