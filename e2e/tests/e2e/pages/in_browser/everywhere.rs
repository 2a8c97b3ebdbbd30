//! What every page promises: nothing that keeps people out, in light and dark, on a wide and on a
//! narrow screen; no scrolling sideways; nothing refused by the policy; nobody else asked.

use serde_json::{Value, json};
use vestibule_e2e::{Backend, Browser, Fixture, Setup, Site};

use super::{assert_alone, make_key};

/// A browser that looks at pages and remembers what is wrong with them.
struct Examiner<'h> {
    fixture: &'h Fixture,
    browser: Browser,
    faults: Vec<String>,
}

impl<'h> Examiner<'h> {
    async fn new(fixture: &'h Fixture) -> Self {
        Self {
            fixture,
            browser: Browser::start().await,
            faults: Vec::new(),
        }
    }

    /// Looks at the page that is shown, which has this status.
    async fn look(&mut self, status: u64) {
        self.browser.answered(status).await;
        let url = self.browser.url().await;
        // Closed first as it comes, then with all that can be opened: the user menu, questions.
        for open in [false, true] {
            if open {
                let script = "const all = document.querySelectorAll('details:not([open])'); \
                    all.forEach(one => one.open = true); return all.length";
                if self.browser.run(script).await == 0 {
                    continue;
                }
            }
            for width in [1280, 320] {
                self.browser.resize(width).await;
                for dark in [false, true] {
                    // Each state once in each width and once in each colour is enough.
                    if open && dark == (width == 1280) {
                        continue;
                    }
                    self.browser.dark(dark).await;
                    let mut found = self.browser.axe().await;
                    found.extend(self.browser.too_wide().await);
                    let line = |fault| format!("{url} at {width} dark={dark} open={open}: {fault}");
                    self.faults.extend(found.into_iter().map(line));
                }
            }
        }
        self.browser.resize(1280).await;
    }

    /// Opens a page and looks at it.
    async fn open(&mut self, path: &str, status: u64) {
        self.browser.open(self.fixture, path).await;
        self.look(status).await;
    }

    async fn assert_good(self) {
        assert_eq!(self.faults, [""; 0], "{:#?}", self.faults);
        assert_alone(&self.browser, self.fixture).await;
    }
}

/// A page that sends the browser on at once, held fast at another address. What it loads it loads
/// from the server.
async fn held(fixture: &Fixture, html: &str) -> Site {
    let (start, rest) = html.split_once("<meta http-equiv=\"refresh\"").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let base = format!("<head><base href=\"{}/\">", fixture.url());
    let html = format!("{start}{rest}").replacen("<head>", &base, 1);
    Site::serve(move |_| (String::new(), html.clone())).await
}

async fn fixture() -> Fixture {
    Setup::new(Backend::Sqlite).with_idp().start().await
}

#[tokio::test]
async fn the_pages_before_and_after_a_session_keep_nobody_out() {
    let fixture = fixture().await;
    let ada = fixture.ada();
    let mut at = Examiner::new(&fixture).await;
    at.open("/sign-in", 200).await;
    at.open("/sign-in?ended=1", 200).await;
    at.browser.fill("#f-email", "nobody").await;
    at.browser.follow(".card form button").await;
    at.look(422).await;
    at.browser.fill("#f-email", &ada.email).await;
    at.browser.follow(".card form button").await;
    at.look(200).await;
    at.browser.fill("#f-password", "wrong").await;
    at.browser.follow(".card form button").await;
    at.look(401).await;
    at.open("/signed-out", 200).await;
    at.open("/nowhere", 404).await;
    at.open(
        "/v1/auth/sso/callback/connection_01jhmpfn80e48s5s0q7b7cwx5e?error=x",
        401,
    )
    .await;
    at.browser.sign_in(&fixture, &ada, "/organizations").await;
    at.look(200).await;
    let elsewhere = format!("/organization/{}/members", fixture.globex());
    at.open(&elsewhere, 409).await;
    let another = format!("/sign-in/confirm?connection={}", fixture.sso_connection());
    at.open(&another, 200).await;
    assert_eq!(at.browser.text("h1").await, "Sign in as somebody else?");
    at.assert_good().await;

    // Where people are sent to their provider from.
    let path = format!(
        "/sign-in/provider?organization={}&connection={}&email=cleo@example.com",
        fixture.acme(),
        fixture.sso_connection()
    );
    let page = fixture.get(&path).send().await.expect(200);
    let site = held(&fixture, &page.text).await;
    let mut at = Examiner::new(&fixture).await;
    at.browser.goto(site.url()).await;
    assert_eq!(at.browser.text("h1").await, "Single sign-on");
    at.look(200).await;
    assert_eq!(at.faults, [""; 0], "{:#?}", at.faults);
}

#[tokio::test]
async fn the_pages_of_an_account_keep_nobody_out() {
    let fixture = fixture().await;
    let mut at = Examiner::new(&fixture).await;
    at.browser
        .sign_in(&fixture, &fixture.ada(), "/account")
        .await;
    for path in ["/account", "/account/sessions"] {
        at.open(path, 200).await;
    }
    for path in ["/account/password", "/account/keys/new"] {
        at.open(path, 200).await;
        at.browser.follow("#content form button").await;
        at.look(422).await;
    }
    make_key(&at.browser, &fixture, "Nightly export").await;
    at.look(200).await;
    at.browser.reload().await;
    assert_eq!(at.browser.text("h1").await, "This API key has been shown");
    at.look(200).await;
    at.open("/account/keys", 200).await;
    // Closed again.
    at.browser.reload().await;
    at.browser.click("details.confirm > summary").await;
    at.browser.follow("details[open] form button").await;
    at.browser.find(".notice.good").await;
    at.look(200).await;
    at.open("/account/nowhere", 404).await;
    at.assert_good().await;

    // As they are in a session that came by a provider.
    let mut at = Examiner::new(&fixture).await;
    let start = format!("/v1/auth/sso/{}/signin?redirect=/account", fixture.acme());
    at.browser.goto(&format!("{}{start}", fixture.url())).await;
    at.browser.arrived_at(fixture.idp_url()).await;
    at.browser.follow("button[value='bob@example.com']").await;
    at.browser.arrived(&fixture, "/account").await;
    at.look(200).await;
    assert!(!at.browser.has("#f-first_name").await);
    at.open("/account/sessions", 200).await;
    assert_eq!(at.faults, [""; 0], "{:#?}", at.faults);
}

#[tokio::test]
async fn the_pages_of_an_organization_keep_nobody_out() {
    let fixture = fixture().await;
    let (acme, bob) = (fixture.acme(), fixture.bob());
    let base = format!("/organization/{acme}");
    let grant = json!({
        "tenant_id": acme, "user_id": bob.id, "path": "/shared/reports", "capability": "READ_WRITE",
    });
    let call = fixture.post("/v1/user-permissions").bearer(fixture.key());
    call.json(grant).send().await.expect(201);
    let mut at = Examiner::new(&fixture).await;
    at.browser.sign_in(&fixture, &fixture.ada(), &base).await;
    for rest in ["", "/members", "/keys", "/plan", "/documents", "/agents"] {
        at.open(&format!("{base}{rest}"), 200).await;
    }
    at.open(&format!("{base}/members/{}", bob.id), 200).await;
    at.browser.follow("button[value=grant]").await;
    at.look(422).await;
    let ask = format!("{base}/access?user={}&capability=READ_WRITE", bob.id);
    at.open(&format!("{ask}&path=/shared/reports/q1"), 200)
        .await;
    let verdict = at.browser.text(".verdict").await;
    assert!(verdict.starts_with("Allowed."), "{verdict}");
    at.open(&format!("{ask}&path=/private"), 200).await;
    let verdict = at.browser.text(".verdict").await;
    assert!(verdict.starts_with("Refused."), "{verdict}");
    at.open(&format!("{base}/audit"), 200).await;
    at.open(&format!("{base}/audit?since=never"), 422).await;
    at.open(&format!("{base}/settings"), 200).await;
    at.browser.find("#f-name").await.clear().await.unwrap();
    at.browser.follow("#content form button").await;
    at.look(422).await;
    at.assert_good().await;
}

#[tokio::test]
async fn the_pages_for_single_sign_on_keep_nobody_out() {
    let fixture = fixture().await;
    let base = format!("/organization/{}/sso", fixture.acme());
    let one = format!("{base}/{}", fixture.sso_connection());
    let call = fixture.post("/v1/sso/domains").bearer(fixture.key());
    let domain: Value = json!({ "domain": "unverified.example" });
    call.json(domain).send().await.expect(201);
    let mut at = Examiner::new(&fixture).await;
    at.browser.sign_in(&fixture, &fixture.ada(), &base).await;
    at.look(200).await;
    at.open(&format!("{base}/new"), 200).await;
    at.browser.follow("#content form button").await;
    at.look(422).await;
    at.open(&one, 200).await;
    at.browser.follow("button[value=preflight]").await;
    at.browser.find("#checks").await;
    at.look(200).await;
    at.assert_good().await;
}
