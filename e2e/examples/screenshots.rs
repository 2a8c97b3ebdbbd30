//! Pictures of the main pages for the documents: `cargo xtask screenshots` gives the folder.

use std::path::{Path, PathBuf};

use serde_json::json;
use vestibule_e2e::{Backend, Browser, Fixture, Setup};

/// The window, in pixels.
const WIDE: u32 = 1280;
const NARROW: u32 = 320;

/// Where the pictures go, and what they are taken with.
struct Camera {
    browser: Browser,
    folder: PathBuf,
}

impl Camera {
    /// Takes a page as it is now, in light and dark.
    async fn take(&self, name: &str) {
        for (dark, suffix) in [(false, "light"), (true, "dark")] {
            self.browser.dark(dark).await;
            let file = self.folder.join(format!("{name}-{suffix}.png"));
            self.browser.picture(file).await;
        }
    }

    async fn take_page(&self, fixture: &Fixture, path: &str, name: &str) {
        self.browser.open(fixture, path).await;
        self.take(name).await;
    }
}

/// Something to see: a few people, permissions and a key.
async fn furnish(fixture: &Fixture) {
    let acme = fixture.acme();
    let names = [
        ("grace@example.com", "ADMIN"),
        ("linus@example.com", "USER"),
    ];
    for (email, role) in names {
        fixture.newcomer(email, acme, role).await;
    }
    let grants = [
        ("/shared/reports", "READ_WRITE"),
        ("/shared/handbook", "READ_ONLY"),
    ];
    for (path, capability) in grants {
        let grant = json!({
            "tenant_id": acme, "user_id": fixture.bob().id, "path": path, "capability": capability,
        });
        let call = fixture.post("/v1/user-permissions").bearer(fixture.key());
        call.json(grant).send().await.expect(201);
    }
    let grants = json!([{ "path": "/shared/reports", "capability": "READ_ONLY" }]);
    let key = json!({ "name": "Nightly export", "grants": grants });
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    call.json(key).send().await.expect(201);
}

async fn take_all(folder: &Path) {
    let fixture = Setup::new(Backend::Sqlite).with_idp().start().await;
    furnish(&fixture).await;
    let (ada, acme) = (fixture.ada(), fixture.acme());
    let base = format!("/organization/{acme}");
    let camera = Camera {
        browser: Browser::start().await,
        folder: folder.to_owned(),
    };
    camera.take_page(&fixture, "/sign-in", "sign-in").await;
    camera.browser.resize(NARROW).await;
    camera
        .take_page(&fixture, "/sign-in", "sign-in-narrow")
        .await;
    camera.browser.resize(WIDE).await;
    camera.browser.sign_in(&fixture, &ada, &base).await;
    camera.take("organization").await;
    camera.browser.click(".user > summary").await;
    camera.take("switcher").await;
    let access = format!(
        "{base}/access?user={}&capability=READ_WRITE&path=/shared/reports/q1",
        fixture.bob().id
    );
    let member = format!("{base}/members/{}", fixture.bob().id);
    let connection = format!("{base}/sso/{}", fixture.sso_connection());
    for (path, name) in [
        (format!("{base}/members"), "members"),
        (member, "member"),
        (access.clone(), "access"),
        (format!("{base}/keys"), "organization-keys"),
        (format!("{base}/sso"), "sso"),
        (connection, "connection"),
        (format!("{base}/audit"), "audit"),
        (format!("{base}/plan"), "plan"),
        (format!("{base}/documents"), "documents"),
        ("/account".to_owned(), "profile"),
        ("/account/keys".to_owned(), "keys"),
        ("/account/keys/new".to_owned(), "key-new"),
        ("/account/sessions".to_owned(), "sessions"),
    ] {
        camera.take_page(&fixture, &path, name).await;
    }
    camera.browser.resize(NARROW).await;
    for (path, name) in [
        (base.clone(), "organization-narrow"),
        (access, "access-narrow"),
        (format!("{base}/members"), "members-narrow"),
        (format!("{base}/audit"), "audit-narrow"),
    ] {
        camera.take_page(&fixture, &path, name).await;
    }
}

#[tokio::main]
async fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screenshots"),
        PathBuf::from,
    );
    take_all(&folder).await;
}
