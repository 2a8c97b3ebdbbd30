//! The actions of a person on the pages of a server.

use serde_json::Value;

use super::Browser;
use crate::{Fixture, Person};

/// What `violations`, `console` and pictures cannot tell: whether a page is wider than its window,
/// and which of its parts are too wide.
const TOO_WIDE: &str = "const width = document.documentElement.clientWidth; \
    if (document.documentElement.scrollWidth <= width) return []; \
    return Array.from(document.querySelectorAll('body *')) \
        .filter(part => part.getBoundingClientRect().right > width + 1) \
        .map(part => part.tagName + '.' + part.className).slice(0, 5).concat('page');";

impl Browser {
    /// Opens a page of the server by its path.
    pub async fn open(&self, fixture: &Fixture, path: &str) {
        self.goto(&format!("{}{path}", fixture.url())).await;
    }

    /// Waits until the browser is at this path of the server, whatever its query.
    pub async fn arrived(&self, fixture: &Fixture, path: &str) {
        self.arrived_at(&format!("{}{path}", fixture.url())).await;
    }

    /// Asks for a page of the server as somebody who is not signed in, signs in where this leads,
    /// and waits until the page is there.
    pub async fn sign_in(&self, fixture: &Fixture, person: &Person, path: &str) {
        self.open(fixture, path).await;
        self.arrived(fixture, "/sign-in").await;
        self.fill("#f-email", &person.email).await;
        self.follow(".card form button").await;
        self.fill("#f-password", &person.password).await;
        self.follow(".card form button").await;
        self.arrived(fixture, path).await;
    }

    /// Switches to an organisation in the user menu.
    pub async fn switch(&self, organization: &str) {
        self.click(".user > summary").await;
        let choice = format!(".user button[value='{organization}']");
        self.follow(&choice).await;
    }

    /// Signs out in the user menu.
    pub async fn sign_out(&self) {
        self.click(".user > summary").await;
        self.follow(".user form[action='/sign-out'] button").await;
    }

    /// The status with which the page was answered.
    pub async fn status(&self) -> u64 {
        let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.run(status).await.as_u64().unwrap_or_default()
    }

    /// Waits until there is a page that was answered with this status.
    pub async fn answered(&self, status: u64) {
        let mut found = 0;
        for _ in 0..500 {
            found = self.status().await;
            if found == status {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{} was answered {found}, not {status}", self.url().await);
    }

    /// The parts of the page that reach beyond its right edge, so that one has to scroll sideways.
    pub async fn too_wide(&self) -> Vec<String> {
        match self.run(TOO_WIDE).await {
            Value::Array(parts) => parts.iter().map(ToString::to_string).collect(),
            other => panic!("no list: {other}"),
        }
    }
}
