//! A server with two organisations and their people, as `quickstart` makes it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Backend, Call, Database};

/// Somebody who can sign in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user's id.
    pub id: String,
    /// The address to sign in with.
    pub email: String,
    /// The password, as shown once.
    pub password: String,
}

/// How a house is to be started.
#[derive(Debug, Clone)]
pub struct Setup {
    backend: Backend,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// A house on this store, with limits that many tests on one machine do not reach.
    pub fn new(backend: Backend) -> Self {
        Self {
            backend,
            environment: Vec::new(),
        }
        .with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "100000")
        .with("LIMITS__SIGN_IN_PER_EMAIL_PER_MINUTE", "100000")
    }

    /// With a setting, as the environment names it after `VESTIBULE_`.
    #[must_use]
    pub fn with(mut self, setting: &str, value: &str) -> Self {
        let name = format!("VESTIBULE_{setting}");
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Starts the house.
    pub async fn start(self) -> House {
        let database = match self.backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Database::create().await),
        };
        let mut environment = self.environment;
        if let Some(database) = &database {
            environment.push(("VESTIBULE_STORE__URL".to_owned(), database.url()));
        }
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let (process, facts) = run_quickstart(&data, &environment, "127.0.0.1:0").await;
        House {
            process,
            facts,
            environment,
            client: client(),
            _folder: folder,
            data,
            database,
        }
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

async fn run_quickstart(
    data: &Path,
    environment: &[(String, String)],
    listen: &str,
) -> (Child, Value) {
    let mut process = command()
        .args(["quickstart", "--json", "--listen", listen, "--data-dir"])
        .arg(data)
        .envs(environment.iter().cloned())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the server");
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .await
        .unwrap();
    let facts = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("quickstart printed {line:?}: {error}"));
    (process, facts)
}

/// The binary that was built beside the tests.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.ancestors().nth(2).unwrap();
    let binary = folder.join("vestibule");
    assert!(
        binary.exists(),
        "build the server first: cargo build --package vestibule-server"
    );
    binary
}

fn command() -> Command {
    let mut command = Command::new(binary());
    command.kill_on_drop(true);
    for (name, _) in std::env::vars() {
        if name.starts_with("VESTIBULE_") {
            command.env_remove(name);
        }
    }
    command
}

/// A running server and what is known of it.
#[derive(Debug)]
pub struct House {
    process: Child,
    facts: Value,
    environment: Vec<(String, String)>,
    client: reqwest::Client,
    data: PathBuf,
    database: Option<Database>,
    _folder: TempDir,
}

impl House {
    /// A house as quickstart makes it, on this store.
    pub async fn start(backend: Backend) -> Self {
        Setup::new(backend).start().await
    }

    /// What quickstart said at the first start.
    pub const fn facts(&self) -> &Value {
        &self.facts
    }

    fn fact(&self, pointer: &str) -> &str {
        self.facts
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("quickstart says nothing at {pointer}: {}", self.facts))
    }

    /// The public listener, without a slash at its end.
    pub fn url(&self) -> &str {
        self.fact("/url").trim_end_matches('/')
    }

    /// The admin listener, without a slash at its end.
    pub fn admin_url(&self) -> &str {
        self.fact("/admin_url").trim_end_matches('/')
    }

    /// The owner's API key, in the first organisation.
    pub fn key(&self) -> &str {
        self.fact("/api_key")
    }

    /// The organisation with the feature `agents`, in which both people are.
    pub fn acme(&self) -> &str {
        self.fact("/organizations/0/id")
    }

    /// The organisation without it, in which only the owner is.
    pub fn globex(&self) -> &str {
        self.fact("/organizations/1/id")
    }

    fn person(&self, role: &str) -> Person {
        let users = self.facts["users"].as_array().unwrap();
        let user = users.iter().find(|user| user["role"] == role).unwrap();
        let text = |name: &str| user[name].as_str().unwrap().to_owned();
        Person {
            id: text("id"),
            email: text("email"),
            password: text("password"),
        }
    }

    /// The owner of both organisations.
    pub fn ada(&self) -> Person {
        self.person("OWNER")
    }

    /// The plain user of the first.
    pub fn bob(&self) -> Person {
        self.person("USER")
    }

    /// A request to the public listener.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let method: Method = method.parse().unwrap();
        Call::new(self.client.request(method, format!("{}{path}", self.url())))
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// `POST path`.
    pub fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// `PATCH path`.
    pub fn patch(&self, path: &str) -> Call {
        self.call("PATCH", path)
    }

    /// `DELETE path`.
    pub fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// `GET path` of the admin listener.
    pub fn admin(&self, path: &str) -> Call {
        Call::new(self.client.get(format!("{}{path}", self.admin_url())))
    }

    /// A new access token, by password.
    pub async fn token_of(&self, person: &Person) -> String {
        let body = json!({ "email": person.email, "password": person.password });
        let answer = self.post("/v1/auth/pw/signin").json(body).send().await;
        let body = answer.expect(200).json();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A new session cookie, by password.
    pub async fn cookie_of(&self, person: &Person) -> String {
        let body = json!({ "email": person.email, "password": person.password });
        let call = self.post("/api/auth/sign-in").origin(self.url()).json(body);
        call.send().await.expect(200).session_cookie().unwrap()
    }

    /// Runs `vestibule ARGUMENTS` beside the server, on the same records.
    pub async fn cli(&self, arguments: &[&str]) -> Output {
        command()
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.data)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap()
    }

    /// Runs a command that must succeed, with `--json`, and gives what it printed.
    pub async fn cli_json(&self, arguments: &[&str]) -> Value {
        let output = self.cli(&[arguments, &["--json"]].concat()).await;
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The database, where the store is PostgreSQL.
    pub const fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.process.id().expect("the server runs")
    }

    /// Ends the server at once, as kill -9 does.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts the server again on the same records and the same address; gives what quickstart
    /// says this time.
    pub async fn restart(&mut self) -> Value {
        let address = self.url().trim_start_matches("http://").to_owned();
        let (process, facts) = run_quickstart(&self.data, &self.environment, &address).await;
        self.process = process;
        self.client = client();
        facts
    }

    /// Starts a second server on the same records, with an address of its own. It is ended with
    /// the returned value.
    pub async fn second_server(&self) -> (Child, Value) {
        run_quickstart(&self.data, &self.environment, "127.0.0.1:0").await
    }
}
