//! A server with two organisations and their people, as `quickstart` makes it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Backend, Call, Database, RawAnswer, WallClock, Wire, raw};

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

/// The setup of a server to be started.
#[derive(Debug, Clone)]
pub struct Setup {
    backend: Backend,
    environment: Vec<(String, String)>,
    wired: bool,
    with_idp: bool,
}

impl Setup {
    /// A server on this store, with limits that many tests on one machine do not reach.
    pub fn new(backend: Backend) -> Self {
        Self {
            backend,
            environment: Vec::new(),
            wired: false,
            with_idp: false,
        }
        .with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "100000")
        .with("LIMITS__SIGN_IN_PER_EMAIL_PER_MINUTE", "100000")
        .with("LIMITS__API_KEYS_PER_USER_PER_DAY", "1000000")
    }

    /// With a setting, as the environment names it after `VESTIBULE_`.
    #[must_use]
    pub fn with(mut self, setting: &str, value: &str) -> Self {
        let name = format!("VESTIBULE_{setting}");
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// With a wall clock that can be set, for the server and for the commands beside it.
    #[must_use]
    pub fn with_wall_clock(mut self, clock: &WallClock) -> Self {
        self.environment.extend(clock.environment());
        self
    }

    /// With a wire to PostgreSQL that can be cut: [`Fixture::wire`].
    #[must_use]
    pub const fn wired(mut self) -> Self {
        self.wired = true;
        self
    }

    /// With a provider for development and a connection with it: [`Fixture::idp_url`].
    #[must_use]
    pub const fn with_idp(mut self) -> Self {
        self.with_idp = true;
        self
    }

    /// Starts the server.
    pub async fn start(self) -> Fixture {
        let database = match self.backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Database::create().await),
        };
        let mut environment = self.environment;
        let mut wire = None;
        if let Some(database) = &database {
            let mut url = database.url();
            if self.wired {
                let made = Wire::to(database.address()).await;
                url = url.replacen(database.address(), &made.address().to_string(), 1);
                wire = Some(made);
            }
            environment.push(("VESTIBULE_STORE__URL".to_owned(), url));
        }
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let log = folder.path().join("log");
        let (process, facts) =
            run_quickstart(&data, &environment, "127.0.0.1:0", self.with_idp, &log).await;
        Fixture {
            process,
            facts,
            with_idp: self.with_idp,
            environment,
            client: client(),
            _folder: folder,
            data,
            log,
            database,
            wire,
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
    with_idp: bool,
    log: &Path,
) -> (Child, Value) {
    let log_file = OpenOptions::new().create(true).append(true).open(log);
    let mut process = command()
        .args(["quickstart", "--json", "--listen", listen, "--data-dir"])
        .arg(data)
        .args(with_idp.then_some("--with-idp"))
        .envs(environment.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(log_file.unwrap())
        .spawn()
        .expect("start the server");
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .await
        .unwrap();
    let facts = serde_json::from_str(&line).unwrap_or_else(|error| {
        let log = std::fs::read_to_string(log).unwrap_or_default();
        panic!("quickstart printed {line:?}: {error}; {log}")
    });
    (process, facts)
}

/// The binary that was built beside the tests, unless `VESTIBULE_TEST_SERVER` names another, such as
/// that of the last release.
fn binary() -> PathBuf {
    if let Some(binary) = std::env::var_os("VESTIBULE_TEST_SERVER") {
        return binary.into();
    }
    let here = std::env::current_exe().unwrap();
    let folder = here.ancestors().nth(2).unwrap();
    let binary = folder.join("vestibule");
    assert!(
        binary.exists(),
        "build the server first: cargo build --bin vestibule"
    );
    binary
}

/// The binary, to be ended with the returned value, and without settings of whoever runs the tests.
pub fn command() -> Command {
    clean(Command::new(binary()))
}

fn clean(mut command: Command) -> Command {
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
pub struct Fixture {
    pub(crate) process: Child,
    facts: Value,
    with_idp: bool,
    environment: Vec<(String, String)>,
    client: reqwest::Client,
    data: PathBuf,
    log: PathBuf,
    database: Option<Database>,
    wire: Option<Wire>,
    _folder: TempDir,
}

impl Fixture {
    /// A server as quickstart makes it, on this store.
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

    /// The issuer of the provider for development, where the server was set up with one.
    pub fn idp_url(&self) -> &str {
        self.fact("/idp_url")
    }

    /// The first organisation's connection with it.
    pub fn sso_connection(&self) -> &str {
        self.fact("/sso_connection_id")
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

    /// A request to any other place, such as the provider for development.
    pub fn beside(&self, method: &str, url: &str) -> Call {
        let method: Method = method.parse().unwrap();
        Call::new(self.client.request(method, url))
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

    /// Somebody new in an organisation, made beside the server.
    pub async fn newcomer(&self, email: &str, organization: &str, role: &str) -> Person {
        let password = format!("the password of {email}");
        let add = ["user", "add", email, "--password-stdin", "--json"];
        let added = self.cli_with(&add, &password).await;
        let user: Value = serde_json::from_slice(&added.stdout).unwrap();
        self.cli_json(&["member", "add", organization, email, "--role", role])
            .await;
        Person {
            id: user["id"].as_str().unwrap().to_owned(),
            email: email.to_owned(),
            password,
        }
    }

    /// The newest hundred audit records of an organisation, the newest first.
    pub async fn audit(&self, organization: &str) -> Vec<Value> {
        let mut list = self
            .cli_json(&["audit", "list", organization, "--limit", "100"])
            .await;
        match list["items"].take() {
            Value::Array(items) => items,
            other => panic!("no list: {other}"),
        }
    }

    /// A request as bytes to the public listener, and all that is answered until the server closes
    /// the connection, as `Connection: close` asks it to.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> RawAnswer {
        let address = self.url().trim_start_matches("http://");
        raw::exchange(address, bytes.as_ref()).await
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Runs `vestibule ARGUMENTS` beside the server, on the same records.
    pub async fn cli(&self, arguments: &[&str]) -> Output {
        self.cli_command(arguments).output().await.unwrap()
    }

    /// Runs a command as [`cli`](Self::cli) does, which finds this text at its stdin.
    pub async fn cli_with(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut command = self.cli_command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A command that refuses its arguments does not read.
        let _ = pipe.write_all(stdin.as_bytes()).await;
        drop(pipe);
        child.wait_with_output().await.unwrap()
    }

    /// A command as [`cli`](Self::cli) runs it, to be started by the caller.
    pub fn cli_command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.data)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
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

    /// Goes on in another data folder, such as a copy of this one: commands use it at once, the server
    /// from the next start.
    pub fn move_to(&mut self, data: PathBuf) {
        self.data = data;
    }

    /// The wire to the database, where the server was set up with one.
    ///
    /// # Panics
    /// Where it was not.
    pub const fn wire(&self) -> &Wire {
        self.wire.as_ref().expect("a fixture with a wire")
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
        let (process, facts) = run_quickstart(
            &self.data,
            &self.environment,
            &address,
            self.with_idp,
            &self.log,
        )
        .await;
        self.process = process;
        self.client = client();
        facts
    }

    /// Starts a second server on the same records, with an address of its own. It is ended with
    /// the returned value.
    pub async fn second_server(&self) -> (Child, Value) {
        run_quickstart(
            &self.data,
            &self.environment,
            "127.0.0.1:0",
            false,
            &self.log,
        )
        .await
    }

    /// Starts a second server as [`second_server`](Self::second_server) does, which reaches
    /// PostgreSQL by the URL and not through the wire.
    pub async fn second_server_beside_the_wire(&self) -> (Child, Value) {
        let mut environment = self.environment.clone();
        environment.retain(|(name, _)| name != "VESTIBULE_STORE__URL");
        if let Some(database) = &self.database {
            environment.push(("VESTIBULE_STORE__URL".to_owned(), database.url()));
        }
        run_quickstart(&self.data, &environment, "127.0.0.1:0", false, &self.log).await
    }
}
