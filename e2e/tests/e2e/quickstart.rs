//! `vestibule quickstart`: what a newcomer sees, pastes and comes back to.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use vestibule_e2e::{Backend, Database, Fixture, Setup, command};

use crate::support::members;

/// A quickstart for people: the process, and what it printed until it was up.
struct Printed {
    _process: Child,
    text: String,
    environment: Option<(&'static str, String)>,
    _database: Option<Database>,
    _folder: TempDir,
}

impl Printed {
    async fn start(backend: Backend, with_idp: bool) -> Self {
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Database::create().await),
        };
        let environment = database
            .as_ref()
            .map(|database| ("VESTIBULE_STORE__URL", database.url()));
        let folder = TempDir::new().unwrap();
        let mut process = command()
            .args(["quickstart", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .args(with_idp.then_some("--with-idp"))
            .envs(environment.clone())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut text = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            text.push_str(&line);
            text.push('\n');
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        Self {
            _process: process,
            text,
            environment,
            _database: database,
            _folder: folder,
        }
    }

    /// What is to be pasted: each comment with the lines below it, up to the next one.
    fn groups(&self) -> Vec<(String, Vec<String>)> {
        let (_, lines) = self
            .text
            .split_once("# ---- Paste from here, in order ----\n")
            .unwrap();
        let (lines, _) = lines.split_once("# ---- to here ----").unwrap();
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for line in lines.lines().filter(|line| !line.is_empty()) {
            if line.starts_with('#') {
                groups.push((line.to_owned(), Vec::new()));
            } else {
                groups.last_mut().unwrap().1.push(line.to_owned());
            }
        }
        groups
    }
}

/// What a pasted line did.
struct Done {
    /// The method, the path and the status of each request, in order.
    requests: Vec<(String, String, u16)>,
    /// What it printed.
    output: String,
    /// What it told on stderr.
    trace: String,
}

/// Pastes lines into one shell. The `curl` that it finds tells on stderr what it sent and got, and
/// prints what it would print anyhow.
async fn paste(lines: &[String], environment: Option<&(&'static str, String)>) -> Vec<Done> {
    const END: &str = "----the end of a line----";
    let pasted = lines
        .iter()
        .map(|line| format!("{line}\necho '{END}'; echo '{END}' >&2\n"));
    let script: String = pasted.collect();
    let path = std::env::var("PATH").unwrap();
    let folder = TempDir::new().unwrap();
    let told = folder.path().join("curl");
    let program = format!(
        "#!/bin/sh\nPATH='{path}'\nexec curl --noproxy '*' --no-progress-meter -v \"$@\"\n"
    );
    std::fs::write(&told, program).unwrap();
    std::fs::set_permissions(&told, Permissions::from_mode(0o700)).unwrap();
    let mut shell = Command::new("bash");
    shell
        .env_clear()
        .env("PATH", format!("{}:{path}", folder.path().display()));
    let mut shell = shell
        .envs(environment.cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    let (mut stdout, mut stderr) = (shell.stdout.take().unwrap(), shell.stderr.take().unwrap());
    let (mut printed, mut told) = (Vec::new(), Vec::new());
    let (written, _, _) = tokio::join!(
        async move { stdin.write_all(script.as_bytes()).await },
        stdout.read_to_end(&mut printed),
        stderr.read_to_end(&mut told),
    );
    written.unwrap();
    let (printed, told) = (
        String::from_utf8_lossy(&printed),
        String::from_utf8_lossy(&told),
    );
    let outputs: Vec<_> = printed.split(END).collect();
    let traces: Vec<_> = told.split(END).collect();
    assert_eq!(outputs.len(), lines.len() + 1, "{printed}\n{told}");
    std::iter::zip(outputs, traces)
        .take(lines.len())
        .map(|(output, trace)| Done {
            requests: requests(trace),
            output: output.trim().to_owned(),
            trace: trace.trim().to_owned(),
        })
        .collect()
}

fn requests(trace: &str) -> Vec<(String, String, u16)> {
    let mut found = Vec::new();
    let mut sent = None;
    for line in trace.lines() {
        if let Some(line) = line.strip_prefix("> ")
            && line.ends_with(" HTTP/1.1")
        {
            let mut words = line.split(' ').map(str::to_owned);
            sent = Some((words.next().unwrap(), words.next().unwrap()));
        } else if let Some(line) = line.strip_prefix("< HTTP/1.1 ") {
            let (method, path) = sent.take().unwrap();
            found.push((method, path, line[..3].parse().unwrap()));
        }
    }
    found
}

/// The statuses that a comment names.
fn promised(comment: &str) -> Vec<u16> {
    let words = comment.split(|c: char| !c.is_ascii_alphanumeric());
    let numbers = words.filter_map(|word| word.parse().ok());
    numbers
        .filter(|number| (200..600).contains(number))
        .collect()
}

#[rstest]
#[tokio::test]
async fn pasting_the_lines_does_what_their_comments_promise(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(false, true)] with_idp: bool,
) {
    let printed = Printed::start(backend, with_idp).await;
    let groups = printed.groups();
    let lines: Vec<_> = groups.iter().flat_map(|(_, lines)| lines.clone()).collect();
    let mut done = paste(&lines, printed.environment.as_ref())
        .await
        .into_iter();
    let mut requests = Vec::new();
    for (comment, lines) in &groups {
        let mut statuses = Vec::new();
        for line in lines {
            let done = done.next().unwrap();
            assert!(!done.output.contains("Usage:"), "{line}: {}", done.output);
            if line.starts_with("curl() ") {
                assert!(done.output.is_empty(), "{}", done.output);
            } else if line.contains("curl") {
                let said = (&done.output, &done.trace);
                assert_eq!(done.requests.len(), 1, "{line}: {said:#?}");
            }
            if let Some((name, _)) = line.split_once("=$(")
                && line.contains("; echo ")
            {
                assert!(!done.output.is_empty(), "{name} is empty after {line}");
            }
            statuses.extend(done.requests.iter().map(|(_, _, status)| *status));
            requests.extend(done.requests);
        }
        // All that is refused is promised to be, in this order; what is promised to pass, passes.
        let refused = |statuses: &[u16]| -> Vec<u16> {
            statuses
                .iter()
                .copied()
                .filter(|status| *status >= 300)
                .collect()
        };
        let promised = promised(comment);
        assert_eq!(
            refused(&statuses),
            refused(&promised),
            "{comment}\n{lines:#?}\n{statuses:?}"
        );
        let mut left = statuses.iter();
        assert!(
            promised.iter().all(|one| left.any(|status| status == one)),
            "{comment}\n{statuses:?}"
        );
    }

    assert_eq!(printed.text.contains("DEVELOPMENT ONLY"), with_idp);
    let initiated = requests
        .iter()
        .any(|(_, path, status)| path == "/v1/auth/sso/initiate" && *status == 200);
    assert_eq!(initiated, with_idp);
    // Every request of the descriptions is among them.
    for (method, path) in [
        ("POST", "/v1/api-keys"),
        ("GET", "/v1/api-keys"),
        ("GET", "/v1/api-keys/key_"),
        ("DELETE", "/v1/api-keys/key_"),
        ("GET", "/v1/documents"),
        ("POST", "/v1/auth/pw/signin"),
        ("GET", "/v1/users/me"),
        ("POST", "/v1/auth/uat"),
        ("POST", "/v1/auth/signout"),
        ("GET", "/v1/tenants"),
        ("GET", "/v1/tenants/tenant_"),
        ("POST", "/v1/user-permissions"),
        ("GET", "/v1/user-permissions?tenant_id=tenant_"),
        ("PATCH", "/v1/user-permissions/grant_"),
        ("DELETE", "/v1/user-permissions/grant_"),
        ("POST", "/v1/folders"),
        ("POST", "/v1/documents"),
        ("PATCH", "/v1/documents/doc_"),
        ("DELETE", "/v1/documents/doc_"),
        ("POST", "/api/auth/sign-in"),
        ("POST", "/api/auth/sign-out"),
        ("POST", "/api/auth/switch-org"),
        ("GET", "/api/auth/session"),
        ("GET", "/api/managed-agents/sessions"),
        ("POST", "/api/managed-agents/session"),
        ("POST", "/api/managed-agents/message"),
        ("GET", "/api/managed-agents/transcript?sessionId="),
        ("POST", "/api/managed-agents/cancel"),
        ("DELETE", "/api/managed-agents/session?sessionId="),
        ("GET", "/healthz"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/openapi.json"),
    ] {
        let pasted = requests.iter().any(|(sent, to, status)| {
            sent == method && to.starts_with(path) && (200..300).contains(status)
        });
        assert!(pasted, "no line for {method} {path}");
    }
}

#[rstest]
#[tokio::test]
async fn a_second_start_keeps_everything_and_shows_no_secret_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let shape = [
        "admin_url",
        "api_key",
        "data_dir",
        "mail_outbox",
        "organizations",
        "sign_in_url",
        "url",
        "users",
    ];
    let first = fixture.facts().clone();
    assert_eq!(members(&first), shape);
    let organizations = first["organizations"].as_array().unwrap();
    let plans: Vec<_> = organizations
        .iter()
        .map(|one| (&one["name"], &one["plan"]))
        .collect();
    assert_eq!(
        plans,
        [
            (&"Acme".into(), &"team".into()),
            (&"Globex".into(), &"free".into())
        ]
    );
    for organization in organizations {
        assert_eq!(members(organization), ["id", "name", "plan"]);
    }
    let users = first["users"].as_array().unwrap();
    let roles: Vec<_> = users
        .iter()
        .map(|user| {
            (
                user["email"].as_str().unwrap(),
                user["role"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        roles,
        [
            ("ada@example.com", "OWNER"),
            ("bob@example.com", "USER"),
            ("ada@example.com", "OWNER")
        ]
    );
    for user in users {
        assert_eq!(
            members(user),
            ["email", "id", "organization_id", "password", "role"]
        );
    }
    assert_ne!(fixture.ada().password, fixture.bob().password);

    let body = serde_json::json!({ "name": "kept" });
    let call = fixture
        .post("/v1/api-keys")
        .bearer(fixture.key())
        .json(body);
    let made = call.send().await.expect(201).text_at("/key");
    fixture
        .cli_json(&["plan", "set", fixture.globex(), "team"])
        .await;
    fixture.ask_to_end();
    let ended = fixture.ended(std::time::Duration::from_secs(15)).await;
    assert!(ended.success(), "{ended}");

    let again = fixture.restart().await;
    assert_eq!(members(&again), shape);
    assert_eq!(again["api_key"], Value::Null);
    for user in again["users"].as_array().unwrap() {
        assert_eq!(user["password"], Value::Null);
    }
    assert_eq!(again["organizations"][1]["plan"], "team");
    assert_eq!(again["organizations"][0], first["organizations"][0]);
    assert_eq!(again["data_dir"], first["data_dir"]);
    for secret in [
        fixture.key(),
        &fixture.ada().password,
        &fixture.bob().password,
        &made,
    ] {
        assert!(!again.to_string().contains(secret));
    }
    for key in [fixture.key(), &made] {
        fixture
            .get("/v1/documents")
            .bearer(key)
            .send()
            .await
            .expect(200);
    }
    fixture.token_of(&fixture.bob()).await;
}

#[rstest]
#[tokio::test]
async fn a_second_start_keeps_the_provider_for_development_and_its_connection(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Setup::new(backend).with_idp().start().await;
    let first = fixture.facts().clone();
    for fact in ["idp_url", "sso_connection_id"] {
        assert!(first[fact].is_string(), "{first}");
    }
    assert!(fixture.idp_url().ends_with("/development-only"));
    fixture.ask_to_end();
    let ended = fixture.ended(std::time::Duration::from_secs(15)).await;
    assert!(ended.success(), "{ended}");
    let again = fixture.restart().await;
    for fact in ["idp_url", "sso_connection_id"] {
        assert_eq!(again[fact], first[fact]);
    }
    let path = "/v1/sso/connections";
    let list = fixture
        .get(path)
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    assert_eq!(list.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_quickstart_stays_on_this_machine() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let output = command()
            .args(["quickstart", "--listen", listen, "--data-dir"])
            .arg(&data)
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{listen}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("loopback"), "{said}");
        assert!(output.stdout.is_empty());
    }
    assert!(!data.exists(), "nothing is made on the way to a refusal");
}

/// The folder is its owner's alone.
#[tokio::test]
async fn nobody_else_reads_the_data() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::start(Backend::Sqlite).await;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(fixture.data()), 0o700);
    for entry in std::fs::read_dir(fixture.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_of_the_readme_works_each_time_and_leaves_nothing_behind() {
    let readme = include_str!("../../../README.md");
    let (_, script) = readme.split_once("```sh\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let binaries = command().as_std().get_program().to_owned();
    let binaries = std::path::Path::new(&binaries).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let (folder, temporary) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for _ in 0..2 {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .env_clear()
            .env("PATH", &path)
            .env("TMPDIR", temporary.path())
            .env("no_proxy", "*")
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "401\n200\n");
    }
    for folder in [folder.path(), temporary.path()] {
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }
}
