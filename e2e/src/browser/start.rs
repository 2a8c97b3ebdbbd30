//! Starting the driver and Chromium.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::extensions::query::ElementPollerWithTimeout;
use thirtyfour::extensions::query::IntoElementPoller;
use thirtyfour::prelude::WebDriver;
use thirtyfour::{Capabilities, ChromeCapabilities, ChromiumLikeCapabilities};

use super::{Browser, parts};
use crate::guardian;

/// The names of Chromium, the one of Debian first.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Alone with the test: nothing is asked of the network but on loopback, and nothing of the
/// machine's settings counts.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-GB",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    // Chromium ends when the other end of the pipe does.
    "--remote-debugging-pipe",
];

/// The options of starting a browser.
#[derive(Debug, Clone)]
pub struct BrowserSetup {
    scripts: bool,
    width: u32,
    dark: bool,
}

impl Default for BrowserSetup {
    fn default() -> Self {
        Self::new()
    }
}

impl BrowserSetup {
    /// With scripts, 1280 pixels wide, light.
    pub const fn new() -> Self {
        Self {
            scripts: true,
            width: 1280,
            dark: false,
        }
    }

    /// With JavaScript, or with it switched off.
    #[must_use]
    pub const fn scripts(mut self, on: bool) -> Self {
        self.scripts = on;
        self
    }

    /// With pages as wide as this, in pixels.
    #[must_use]
    pub const fn width(mut self, width: u32) -> Self {
        self.width = width;
        self
    }

    /// With the wish for dark pages.
    #[must_use]
    pub const fn dark(mut self) -> Self {
        self.dark = true;
        self
    }

    /// Starts the browser.
    ///
    /// # Panics
    /// Where there is no Chromium or no chromedriver.
    pub async fn start(self) -> Browser {
        let profile = TempDir::with_prefix("vestibule-chromium-").unwrap();
        let (service, url) = start_service();
        // Built here, because the driver's own would go through a proxy of the environment's.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let poller: Arc<dyn IntoElementPoller + Send + Sync> = Arc::new(Patience);
        let driver = WebDriver::builder(url, self.capabilities(profile.path()))
            .client(client)
            .poller(poller)
            .await
            .expect("start Chromium");
        let process = driver
            .capabilities()
            .get("goog:processID")
            .and_then(Value::as_u64);
        parts::resize(&driver, self.width).await;
        parts::color_scheme(&driver, self.dark).await;
        // Forget what the browser asked for before the test had its turn.
        driver.goto("about:blank").await.unwrap();
        driver.get_log("performance").await.unwrap();
        Browser {
            driver: Some(driver),
            service,
            process,
            _profile: profile,
        }
    }

    fn capabilities(&self, profile: &Path) -> Capabilities {
        let program = PROGRAMS.iter().find_map(|name| on_path(name));
        let program = program.unwrap_or_else(|| missing("Chromium"));
        let mut chrome = ChromeCapabilities::new();
        chrome.set_binary(&program.to_string_lossy()).unwrap();
        for argument in ARGUMENTS {
            chrome.add_arg(argument).unwrap();
        }
        if rustix::process::geteuid().is_root() {
            chrome.add_arg("--no-sandbox").unwrap(); // Chromium refuses to be root with one
        }
        let profile = format!("--user-data-dir={}", profile.display());
        chrome.add_arg(&profile).unwrap();
        let scripts = if self.scripts { 1 } else { 2 };
        let settings = json!({
            "profile.default_content_setting_values.javascript": scripts,
            "credentials_enable_service": false,
        });
        chrome.add_experimental_option("prefs", settings).unwrap();
        let mut capabilities: Capabilities = chrome.into();
        let log = json!({ "browser": "ALL", "performance": "ALL" });
        capabilities.set("goog:loggingPrefs", log).unwrap();
        capabilities
    }
}

/// How long an element may take to appear.
#[derive(Debug)]
struct Patience;

impl IntoElementPoller for Patience {
    fn start(&self) -> Box<dyn thirtyfour::extensions::query::ElementPoller + Send + Sync> {
        let (patience, pause) = (Duration::from_secs(10), Duration::from_millis(20));
        Box::new(ElementPollerWithTimeout::new(patience, pause))
    }
}

/// Starts chromedriver on a port of its choice. Returns it with its URL.
///
/// It chooses a port for one family of addresses and then binds the other one too, which fails where
/// another program has that: it ends, and another one chooses again.
fn start_service() -> (Child, String) {
    (0..10)
        .find_map(|_| try_service().ok())
        .unwrap_or_else(|| panic!("chromedriver ends: {}", try_service().unwrap_err()))
}

/// Starts chromedriver. Returns what it said where it ends instead of serving.
fn try_service() -> Result<(Child, String), String> {
    let program = on_path("chromedriver").unwrap_or_else(|| missing("chromedriver"));
    let [shell, words @ ..] = guardian::words(program.as_os_str());
    let mut service = Command::new(shell)
        .args(words)
        .arg("--port=0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start chromedriver");
    let mut output = BufReader::new(service.stdout.take().unwrap());
    let mut said = String::new();
    let port = loop {
        let mut line = String::new();
        if output.read_line(&mut line).unwrap() == 0 {
            drop(service.stdin.take());
            service.wait().unwrap();
            return Err(said);
        }
        said.push_str(&line);
        if let Some((_, rest)) = line.split_once("started successfully on port ") {
            break rest.trim().trim_end_matches('.').to_owned();
        }
    };
    // Read on, or it waits for a reader some day.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    Ok((service, format!("http://127.0.0.1:{port}")))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn missing(what: &str) -> ! {
    panic!(
        "{what} is not on the path: run `cargo xtask install` (as root on a Debian), or install \
         the packages chromium and chromium-driver"
    )
}

/// Waits until a process has ended, three seconds at most.
pub(super) fn wait_for_end(process: u64) {
    for _ in 0..300 {
        // One that has ended may stay in the table for as long as its parent takes no notice.
        match std::fs::read_to_string(format!("/proc/{process}/status")) {
            Ok(status) if !status.contains("\nState:\tZ") => {}
            Ok(_) | Err(_) => return,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
