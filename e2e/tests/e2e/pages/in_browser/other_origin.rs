//! What a page of another origin can do to somebody who is signed in: nothing.

use rstest::rstest;
use vestibule_e2e::{Backend, Browser, BrowserSetup, Fixture, Setup, Site};

/// A page with a form for each change, a frame with one of our pages, and a script that reads one.
fn trap(fixture: &Fixture, target: &str) -> (String, String) {
    let (url, acme, globex) = (fixture.url(), fixture.acme(), fixture.globex());
    let settings = format!("/organization/{acme}/settings");
    let form = |name: &str, action: &str, fields: &[(&str, &str)]| {
        let field = |(name, value): &(&str, &str)| {
            format!("<input type=hidden name={name} value='{value}'>")
        };
        let fields: String = fields.iter().map(field).collect();
        format!(
            "<form method=post action='{url}{action}'>{fields}<button id={name}>Win</button></form>"
        )
    };
    let forms = [
        form(
            "rename",
            &settings,
            &[("organization", acme), ("name", "Stolen")],
        ),
        form("switch", "/switch", &[("to", globex)]),
        form(
            "key",
            "/account/keys",
            &[
                ("organization", acme),
                ("name", "Stolen"),
                ("expires_in", "never"),
            ],
        ),
        form("sign_out", "/sign-out", &[]),
    ];
    let page = format!(
        "<!doctype html><html lang=en><title>A prize</title><link rel=icon href='data:,'>{}\
         <iframe src='{url}/account'></iframe><p id=read></p><script>\
         fetch('{url}/account',{{credentials:'include'}}).then(answer=>answer.text())\
         .then(text=>text,error=>'refused')\
         .then(text=>document.getElementById('read').textContent=text)</script></html>",
        forms.concat()
    );
    let headers = match target {
        // An origin that is no origin.
        "/sandboxed" => "content-security-policy: sandbox allow-forms allow-scripts\r\n",
        _ => "",
    };
    (headers.to_owned(), page)
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_reads_nothing_and_frames_nothing() {
    let fixture = std::sync::Arc::new(Fixture::start(Backend::Sqlite).await);
    let browser = Browser::start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys")
        .await;
    let before = browser.cookie("__Host-vestibule").await.unwrap().value;
    let records = fixture.audit(fixture.acme()).await.len();
    let of = std::sync::Arc::clone(&fixture);
    let site = Site::serve(move |target| trap(&of, target)).await;
    // The same host with another port, to which browsers send the cookie as to ourselves; another
    // host; and a page without an origin.
    let elsewhere = site.url().replace("127.0.0.1", "localhost");
    for page in [
        format!("{}/", site.url()),
        format!("{elsewhere}/"),
        format!("{}/sandboxed", site.url()),
    ] {
        for button in ["#rename", "#switch", "#key", "#sign_out"] {
            browser.goto(&page).await;
            if button == "#rename" {
                let read = "#read:not(:empty)";
                assert_eq!(browser.text(read).await, "refused", "{page}");
            }
            browser.follow(button).await;
            let url = browser.arrived_at(fixture.url()).await;
            // Without a cookie nobody is signed in; where it is sent, the origin is looked at.
            let status = browser.status().await;
            let is_own_site = page == format!("{}/", site.url());
            assert!(matches!(status, 401 | 403), "{status} {page} {url}");
            assert!(status == 403 || !is_own_site, "{page} {url}");
        }
    }
    let console = browser.console().await;
    let framed = |line: &&String| line.contains("frame-ancestors");
    assert!(console.iter().any(|line| framed(&line)), "{console:#?}");

    let after = browser.cookie("__Host-vestibule").await.unwrap().value;
    assert_eq!(before, after);
    browser.open(&fixture, "/account/keys").await;
    assert_eq!(browser.text(".user summary").await, "Acme");
    assert!(!browser.page().await.contains("Stolen"));
    let after = fixture.audit(fixture.acme()).await;
    let changes = after[..after.len() - records].iter();
    let changes: Vec<_> = changes.filter(|it| it["kind"] != "access.denied").collect();
    assert!(changes.is_empty(), "{changes:#?}");
}

#[rstest]
#[tokio::test]
async fn a_link_to_a_provider_on_another_site_asks_before_it_ends_a_session(
    #[values(true, false)] scripts: bool,
) {
    let fixture = Setup::new(Backend::Sqlite).with_idp().start().await;
    let browser = BrowserSetup::new().scripts(scripts).start().await;
    browser
        .sign_in(&fixture, &fixture.ada(), "/account/keys")
        .await;
    let before = browser.cookie("__Host-vestibule").await.unwrap().value;
    let (url, acme) = (fixture.url().to_owned(), fixture.acme().to_owned());
    let connection = fixture.sso_connection().to_owned();
    // Straight, and by way of a page of ours that leads on by itself.
    let links = [
        format!("{url}/v1/auth/sso/{acme}/signin?redirect=/account/sessions"),
        format!(
            "{url}/sign-in/provider?organization={acme}&connection={connection}\
             &return_to=/account/sessions"
        ),
    ];
    let anchors = links.map(|link| format!("<a href='{link}'>A prize</a>"));
    let html = format!(
        "<!doctype html><html lang=en><title>A prize</title><link rel=icon href='data:,'><p>{}</p>",
        anchors.join("</p><p>")
    );
    let site = Site::serve(move |_| (String::new(), html.clone())).await;
    let elsewhere = site.url().replace("127.0.0.1", "localhost");
    for link in ["p:first-of-type > a", "p:last-of-type > a"] {
        browser.goto(&elsewhere).await;
        browser.follow(link).await;
        browser.arrived_at(&format!("{url}/sign-in/confirm?")).await;
        let text = browser.text(".card").await;
        for told in [&fixture.ada().email, "Acme"] {
            assert!(text.contains(told), "{told}: {text}");
        }
        let after = browser.cookie("__Host-vestibule").await.unwrap().value;
        assert_eq!(before, after);
    }
    browser.follow(".card form button").await;
    browser.arrived_at(fixture.idp_url()).await;
    browser.follow("button[name=email]").await;
    browser.arrived(&fixture, "/account/sessions").await;
    let after = browser.cookie("__Host-vestibule").await.unwrap().value;
    assert_ne!(before, after);
    let told = browser.text(".notice.good").await;
    assert!(told.starts_with("You are signed in as "), "{told}");
    assert_eq!(browser.csp_violations().await, [""; 0]);
}
