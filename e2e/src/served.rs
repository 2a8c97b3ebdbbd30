//! A server as operators run it, on a folder that is there already.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use tokio::process::Child;

use crate::{Call, command};

/// Longest time that a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server started by `vestibule serve`; it ends with this value.
#[derive(Debug)]
pub struct Served {
    _process: Child,
    url: String,
    client: reqwest::Client,
}

impl Served {
    /// Starts `vestibule serve` on a folder with a configuration, with settings as the environment
    /// names them, and waits until it serves.
    pub async fn start(data: &Path, environment: &[(&str, &str)]) -> Self {
        let log = data.join("serve.log");
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let mut command = command();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .env("VESTIBULE_LOG__FORMAT", "json")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file.unwrap());
        let mut process = command.spawn().expect("start the server");
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if let Some(url) = text.lines().find_map(url_of) {
                return Self {
                    _process: process,
                    url,
                    client: reqwest::Client::builder().no_proxy().build().unwrap(),
                };
            }
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {text}");
            assert!(began.elapsed() < PATIENCE, "does not serve: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The public listener, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A request to the public listener.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let method: Method = method.parse().unwrap();
        Call::new(self.client.request(method, format!("{}{path}", self.url)))
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// `POST path`.
    pub fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }
}

/// The public address in the line of the log that says that the server serves.
fn url_of(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    let says = |fields: &Value| fields["message"] == "serving";
    let fields = if says(fields) { fields } else { &line };
    says(fields).then(|| {
        fields["url"]
            .as_str()
            .unwrap()
            .trim_end_matches('/')
            .to_owned()
    })
}
