//! A real Chromium, driven over `WebDriver`: one of its own, with an empty profile, for every test.

mod pages;
mod parts;
mod start;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::{ElementQueryable, WebDriver};
use thirtyfour::{By, Cookie, TypingData, WebElement};

pub use start::BrowserSetup;
pub use thirtyfour::{Key, WindowHandle as Tab};

/// The accessibility checker, as `cargo xtask install` leaves it.
const AXE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/browser/node_modules/axe-core/axe.min.js"
);

/// The levels of WCAG 2.2 that a page has to reach.
const LEVELS: [&str; 6] = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22aa",
    "best-practice",
];

/// A running browser with one window. It ends with this value.
///
/// Elements are named by CSS selectors; each operation waits up to ten seconds until the element
/// is there, and panics where it does not come.
#[derive(Debug)]
pub struct Browser {
    driver: Option<WebDriver>,
    service: Child,
    process: Option<u64>,
    // Removed last, when nobody writes to it any more.
    _profile: TempDir,
}

impl Browser {
    /// A browser with scripts, 1280 pixels wide, light.
    pub async fn start() -> Self {
        BrowserSetup::new().start().await
    }

    /// The driver, for what has no method here: tabs, alerts, the `DevTools` protocol.
    pub const fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("the browser runs")
    }

    /// Opens a URL and waits until the page has loaded.
    pub async fn goto(&self, url: &str) {
        self.driver().goto(url).await.unwrap();
    }

    /// Opens a URL that may answer nothing to show; whether a page came.
    pub async fn try_goto(&self, url: &str) -> bool {
        self.driver().goto(url).await.is_ok()
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.driver().refresh().await.unwrap();
    }

    /// The URL of the page, fragment included.
    pub async fn url(&self) -> String {
        self.driver().current_url().await.unwrap().to_string()
    }

    /// Waits until the page's URL begins with this, and gives the whole.
    pub async fn arrived_at(&self, beginning: &str) -> String {
        let mut url = String::new();
        for _ in 0..500 {
            url = self.url().await;
            if url.starts_with(beginning) {
                return url;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!(
            "the browser is at {url}, not at {beginning}: {}",
            self.page().await
        )
    }

    /// The page's title.
    pub async fn title(&self) -> String {
        self.driver().title().await.unwrap()
    }

    /// The element; waits for it.
    pub async fn find(&self, selector: &str) -> WebElement {
        let query = self.driver().query(By::Css(selector));
        let found = query.first().await;
        match found {
            Ok(element) => element,
            Err(error) => panic!(
                "no {selector} at {}: {error}; {}",
                self.url().await,
                self.page().await
            ),
        }
    }

    /// The elements that are there now.
    pub async fn find_all(&self, selector: &str) -> Vec<WebElement> {
        self.driver().find_all(By::Css(selector)).await.unwrap()
    }

    /// Returns true if there is such an element now.
    pub async fn has(&self, selector: &str) -> bool {
        !self.find_all(selector).await.is_empty()
    }

    /// The visible text of an element.
    pub async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    /// The visible text of each such element that is there now.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.find_all(selector).await {
            texts.push(element.text().await.unwrap());
        }
        texts
    }

    /// The visible text of the whole page.
    pub async fn page(&self) -> String {
        self.text_now("body").await
    }

    async fn text_now(&self, selector: &str) -> String {
        match self.driver().find(By::Css(selector)).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until an element says this.
    pub async fn says(&self, selector: &str, text: &str) {
        let query = self
            .driver()
            .query(By::Css(selector))
            .with_text(text.to_owned());
        let found = query.first().await.is_ok();
        let said = self.texts(selector).await;
        assert!(found, "{selector} says {said:?}, not {text:?}");
    }

    /// An attribute of an element; `None` where it has none of that name.
    pub async fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.find(selector).await.attr(name).await.unwrap()
    }

    /// Clicks an element as a person does. What leads to another page is [followed](Self::follow).
    pub async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    /// Clicks what leads to another page, and waits until that has come in the place of this one:
    /// what is looked for next is not found on the page that is on its way out.
    pub async fn follow(&self, selector: &str) {
        let page = self.find("html").await;
        self.click(selector).await;
        for _ in 0..500 {
            // An element of a page that is gone answers nothing, with one error or another.
            if page.tag_name().await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{selector} leads nowhere: {}", self.page().await)
    }

    /// Types into a field, in place of what stands there.
    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    /// Presses keys where the focus is: text, or one of the special keys. A key that leads to another
    /// page may be pressed there, too: send such a one to [`focused`](Self::focused).
    pub async fn press(&self, keys: impl Into<TypingData>) {
        let keyboard = self.driver().action_chain().send_keys(keys);
        keyboard.perform().await.unwrap();
    }

    /// The element that has the focus.
    pub async fn focused(&self) -> WebElement {
        self.driver().active_element().await.unwrap()
    }

    /// The tab that is used.
    pub async fn tab(&self) -> Tab {
        self.driver().window().await.unwrap()
    }

    /// Opens another tab and uses it from now on.
    pub async fn new_tab(&self) -> Tab {
        let tab = self.driver().new_tab().await.unwrap();
        self.use_tab(&tab).await;
        tab
    }

    /// Goes to a tab, which is used from now on.
    pub async fn use_tab(&self, tab: &Tab) {
        let there = self.driver().switch_to_window(tab.clone()).await;
        there.unwrap();
    }

    /// The cookies that the page's URL would be sent, also those that scripts cannot see.
    pub async fn cookies(&self) -> Vec<Cookie> {
        self.driver().get_all_cookies().await.unwrap()
    }

    /// One of those cookies.
    pub async fn cookie(&self, name: &str) -> Option<Cookie> {
        let cookies = self.cookies().await;
        cookies.into_iter().find(|cookie| cookie.name == name)
    }

    /// Runs the body of a function in the page and gives what it returns. Works where the page's
    /// own scripts are off, too.
    pub async fn run(&self, script: &str) -> Value {
        let answer = self.driver().execute(script, Vec::new()).await.unwrap();
        answer.json().clone()
    }

    /// Saves what the page looks like, in its full height, as PNG.
    pub async fn screenshot(&self, path: impl AsRef<Path>) {
        let png = parts::whole_page(self.driver()).await;
        std::fs::write(path, png).unwrap();
    }

    /// What the console has said since it was last asked, refusals by the content security policy
    /// included, as `LEVEL text`.
    pub async fn console(&self) -> Vec<String> {
        let log = self.driver().get_log("browser").await.unwrap();
        let line =
            |entry: thirtyfour::BrowserLogEntry| format!("{} {}", entry.level, entry.message);
        log.into_iter().map(line).collect()
    }

    /// What the content security policy has refused since the console was last asked.
    pub async fn csp_violations(&self) -> Vec<String> {
        let mut lines = self.console().await;
        lines.retain(|line| line.contains("Content Security Policy"));
        lines
    }

    /// The URLs that the browser has asked for since it was last asked, in order; only those that
    /// go to the network.
    pub async fn requests(&self) -> Vec<String> {
        let log = self.driver().get_log("performance").await.unwrap();
        parts::requests(log.iter().map(|entry| entry.message.as_str()))
    }

    /// The origins in [`requests`](Self::requests).
    pub async fn origins(&self) -> BTreeSet<String> {
        let requests = self.requests().await;
        requests.iter().map(|url| parts::origin(url)).collect()
    }

    /// What axe-core finds wrong with the page, by WCAG 2.2 AA and its own best practice, as
    /// `rule: selectors: how to mend it`. It needs a browser with scripts.
    pub async fn axe(&self) -> Vec<String> {
        let options = json!({ "runOnly": { "type": "tag", "values": LEVELS } });
        let script = format!(
            "const done = arguments[arguments.length - 1];\naxe.run(document, {options})\
             .then(found => done(found.violations), error => done(String(error)));"
        );
        // A page may still have been on its way, and have taken the place of the one that was
        // given the checker.
        for _ in 0..5 {
            // It stays in the page, and is more than half a megabyte.
            if self.run("return typeof axe").await == "undefined" {
                let axe = std::fs::read_to_string(AXE).unwrap_or_else(|error| {
                    panic!("{AXE}: {error}; run `cargo xtask install` first")
                });
                self.run(&axe).await;
            }
            match self
                .driver()
                .execute_async(script.clone(), Vec::new())
                .await
            {
                Ok(answer) => return parts::violations(answer.json()),
                Err(error) if error.to_string().contains("axe is not defined") => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("no page stays at {}", self.url().await)
    }

    /// Saves what the window shows as PNG.
    pub async fn picture(&self, path: impl AsRef<Path>) {
        let png = self.driver().screenshot_as_png().await.unwrap();
        std::fs::write(path, png).unwrap();
    }

    /// Lets the page be as wide as this, in pixels.
    pub async fn resize(&self, width: u32) {
        parts::resize(self.driver(), width).await;
    }

    /// Tells the page to be dark, or light.
    pub async fn dark(&self, dark: bool) {
        parts::color_scheme(self.driver(), dark).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without a farewell, which would need the runtime: Chromium ends with the driver, because
        // they talk over a pipe.
        if let Some(driver) = self.driver.take() {
            let _ = driver.leak();
        }
        drop(self.service.stdin.take());
        let _ = self.service.wait();
        if let Some(process) = self.process {
            start::wait_for_end(process);
        }
    }
}
