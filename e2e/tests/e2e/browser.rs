//! The browser that the tests drive is a real one, and it tells what it sees.

use vestibule_e2e::{Browser, BrowserSetup, Key, Site};

const FORM: &str = "<!doctype html><html lang=en><title>Form</title><link rel=icon href='data:,'>\
<style>body{color:black;background:white}\
@media(prefers-color-scheme:dark){body{color:white;background:black}}</style>\
<main><h1>A form</h1><form action=/sent><label>Name <input name=name></label>\
<button>Send</button></form><p id=script>off</p></main>\
<script>document.getElementById('script').textContent='on'</script></html>";

async fn form() -> Site {
    Site::serve(|_| {
        (
            "set-cookie: hidden=1; HttpOnly\r\n".to_owned(),
            FORM.to_owned(),
        )
    })
    .await
}

#[tokio::test]
async fn a_form_is_filled_and_sent_and_the_browser_tells_where_it_is() {
    let site = form().await;
    let browser = Browser::start().await;
    browser.goto(site.url()).await;
    assert_eq!(browser.title().await, "Form");
    assert_eq!(browser.text("#script").await, "on");
    browser.fill("input[name=name]", "Ada").await;
    browser.follow("button").await;
    assert_eq!(browser.url().await, format!("{}/sent?name=Ada", site.url()));
    assert_eq!(site.seen(), ["GET /", "GET /sent?name=Ada"]);
    assert_eq!(browser.origins().await, [site.url().to_owned()].into());
    let cookie = browser.cookie("hidden").await.unwrap();
    assert_eq!(
        (
            cookie.value.as_str(),
            browser.cookie("other").await.is_some()
        ),
        ("1", false)
    );
    browser.press(Key::Tab).await;
    let focused = browser.focused().await.attr("name").await.unwrap();
    assert_eq!(focused.as_deref(), Some("name"));
}

#[tokio::test]
async fn scripts_can_be_switched_off_and_pages_be_narrow_and_dark() {
    let site = form().await;
    let browser = BrowserSetup::new().scripts(false).width(320).dark();
    let browser = browser.start().await;
    browser.goto(site.url()).await;
    assert_eq!(browser.text("#script").await, "off");
    assert_eq!(browser.run("return innerWidth").await, 320);
    let color = "return getComputedStyle(document.body).backgroundColor";
    assert_eq!(browser.run(color).await, "rgb(0, 0, 0)");
    browser.dark(false).await;
    assert_eq!(browser.run(color).await, "rgb(255, 255, 255)");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("form.png");
    browser.screenshot(&file).await;
    let png = std::fs::read(file).unwrap();
    // The width stands in the first chunk, in big-endian.
    assert_eq!(
        (&png[1..4], &png[16..20]),
        (&b"PNG"[..], &320_u32.to_be_bytes()[..])
    );
}

#[tokio::test]
async fn what_the_content_security_policy_refuses_is_told() {
    let policy = "content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n";
    let site = Site::serve(move |_| (policy.to_owned(), FORM.to_owned())).await;
    let browser = Browser::start().await;
    browser.goto(site.url()).await;
    assert_eq!(browser.text("#script").await, "off");
    let violations = browser.csp_violations().await;
    // The inline script, and the icon.
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert_eq!(browser.csp_violations().await, [""; 0]);
}

#[tokio::test]
async fn what_keeps_people_out_is_found_also_where_the_policy_allows_no_script() {
    let page = |target: &str| {
        let html = match target {
            "/poor" => FORM.replace("<label>Name <input name=name></label>", "<input name=name>"),
            _ => FORM.to_owned(),
        };
        (
            "content-security-policy: default-src 'none'\r\n".to_owned(),
            html,
        )
    };
    let site = Site::serve(page).await;
    let browser = Browser::start().await;
    browser.goto(site.url()).await;
    assert_eq!(browser.axe().await, [""; 0]);
    browser.goto(&format!("{}/poor", site.url())).await;
    let found = browser.axe().await;
    assert!(
        found.len() == 1 && found[0].starts_with("label: "),
        "{found:?}"
    );
}
