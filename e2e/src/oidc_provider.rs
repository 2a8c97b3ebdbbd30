//! An identity provider that others wrote: the certified npm package `oidc-provider`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::{Page, Visitor};

/// Where `provider.mjs` and its packages are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/providers");

/// A running provider. It ends with this value, and with this process.
#[derive(Debug)]
pub struct OidcProvider {
    issuer: String,
    settings: Value,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
    process: Child,
}

impl OidcProvider {
    /// Starts one; `e2e/providers/provider.mjs` says what the settings may hold.
    ///
    /// # Panics
    /// Where Node.js or the packages are missing, or the provider does not take the settings.
    pub async fn start(settings: Value) -> Self {
        let mut process = Command::new("node")
            .arg("provider.mjs")
            .arg(settings.to_string())
            .current_dir(FOLDER)
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}; run `cargo xtask install`"));
        let stdin = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = read(&mut lines, "issuer").await;
        Self {
            issuer: ready["issuer"].as_str().unwrap().to_owned(),
            settings,
            lines,
            stdin,
            process,
        }
    }

    /// Its issuer, which is its URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its discovery URL.
    pub fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer)
    }

    /// Enters a client, in place of one of the same id; `client` has the names of OpenID Connect
    /// Dynamic Client Registration.
    pub async fn enter(&mut self, client: &Value) {
        let line = format!("{client}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
        let entered = read(&mut self.lines, "entered").await;
        assert_eq!(entered["entered"], client["client_id"]);
    }

    /// Ends it and starts it again at the same address, with new keys and without its clients.
    pub async fn restart(self) -> Self {
        let (_, port) = self.issuer.rsplit_once(':').unwrap();
        let mut settings = self.settings.clone();
        settings["port"] = json!(port.parse::<u16>().unwrap());
        let mut process = self.process;
        process.kill().await.unwrap();
        Self::start(settings).await
    }

    /// Signs in at its form as a person, and consents where it asks; the page or the way to which
    /// this leads.
    pub async fn sign_in(visitor: &mut Visitor, form: &Page, login: &str) -> Page {
        let fields = [("login", login), ("password", "anything will do")];
        let mut page = visitor.submit(form, &fields).await;
        if page
            .form()
            .is_some_and(|form| form.value("prompt") == Some("consent"))
        {
            page = visitor.submit(&page, &[]).await;
        }
        page
    }
}

async fn read(lines: &mut Lines<BufReader<ChildStdout>>, member: &str) -> Value {
    while let Some(line) = lines.next_line().await.unwrap() {
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if said.get(member).is_some() {
            return said;
        }
    }
    panic!(
        "the provider ended without a word of {member}; run `cargo xtask install` if packages are missing"
    )
}
