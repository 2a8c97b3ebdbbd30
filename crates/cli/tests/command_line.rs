//! The binary as a shell sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rstest::rstest;
use serde_json::Value;

fn vestibule() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = vestibule();
    command
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// A quickstart, ended with the test.
struct Quickstart {
    process: Child,
    line: Value,
}

impl Quickstart {
    fn start(folder: &Path) -> Self {
        let mut process = vestibule()
            .args([
                "quickstart",
                "--json",
                "--listen",
                "localhost:0",
                "--data-dir",
            ])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let line = serde_json::from_str(&line).unwrap();
        Self { process, line }
    }

    /// The status of a GET with this key.
    fn get(&self, path: &str, key: &str) -> u16 {
        let host = self.line["url"]
            .as_str()
            .unwrap()
            .trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// SIGTERM, as a supervisor would send it; the exit code.
    fn end(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        Command::new("kill").arg(id).status().unwrap();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_second_quickstart_keeps_everything_and_shows_no_secret_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("data");
    let first = Quickstart::start(&folder);
    let line = first.line.clone();
    let key = line["api_key"].as_str().unwrap();
    assert_eq!(first.get("/v1/documents", key), 200);
    assert_eq!(first.end(), Some(0));

    let second = Quickstart::start(&folder);
    assert_eq!(second.get("/v1/documents", key), 200);
    assert_eq!(second.line["api_key"], Value::Null);
    assert_eq!(second.line["organizations"], line["organizations"]);
    let users = second.line["users"].as_array().unwrap();
    assert!(users.iter().all(|user| user["password"] == Value::Null));
    let ids = |line: &Value| {
        let users = line["users"].as_array().unwrap().iter();
        users.map(|user| user["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&second.line), ids(&line));
}

#[test]
fn a_quickstart_is_what_it_says() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("data");
    let quickstart = Quickstart::start(&folder);
    let line = &quickstart.line;
    let url = line["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let organizations = line["organizations"].as_array().unwrap();
    let plans: Vec<_> = organizations.iter().map(|one| &one["plan"]).collect();
    assert_eq!(plans, ["team", "free"]);
    let users = line["users"].as_array().unwrap();
    assert_eq!(users[0]["email"], "ada@example.com");
    assert_eq!(users[0]["role"], "OWNER");
    assert_eq!(users[1]["email"], "bob@example.com");
    assert_eq!(users[1]["role"], "USER");
    let outbox = Path::new(line["mail_outbox"].as_str().unwrap());
    assert_eq!(std::fs::read_dir(outbox).unwrap().count(), 0);
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn the_server_notices_what_the_command_line_does_beside_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("data");
    let quickstart = Quickstart::start(&folder);
    let key = quickstart.line["api_key"].as_str().unwrap();
    let id = {
        let folder = folder.to_str().unwrap();
        let list = run(
            temporary.path(),
            &["--data-dir", folder, "key", "list", "Acme", "--json"],
        );
        let list: Value = serde_json::from_slice(&list.stdout).unwrap();
        list["items"][0]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(quickstart.get("/v1/documents", key), 200);
    let folder = folder.to_str().unwrap();
    let revoke = ["--data-dir", folder, "key", "revoke", "Acme", &id];
    assert_eq!(
        run(temporary.path(), &revoke).status.code(),
        Some(2),
        "without --yes"
    );
    assert_eq!(quickstart.get("/v1/documents", key), 200);
    let revoke = ["--data-dir", folder, "key", "revoke", "Acme", &id, "--yes"];
    assert_eq!(run(temporary.path(), &revoke).status.code(), Some(0));
    assert_eq!(quickstart.get("/v1/documents", key), 401);
}

#[rstest]
#[case::done(&["plan", "list"], 0)]
#[case::no_command(&[], 2)]
#[case::unknown_flag(&["serve", "--nonsense"], 2)]
#[case::offset(&["org", "list", "--offset", "99999999999999999999"], 2)]
#[case::deep(&["org", "list", "--offset", "10001"], 2)]
#[case::cursor(&["org", "list", "--after", "x"], 2)]
#[case::not_loopback(&["quickstart", "--listen", "0.0.0.0:0"], 2)]
#[case::configuration(&["--set", "server.listen=x", "plan", "list"], 2)]
#[case::secret_as_flag(&["--set", "keys.master_key=x", "plan", "list"], 2)]
#[case::no_quickstart(&["--data-dir", "nowhere", "user", "list"], 5)]
#[case::check(&["--set", "server.listen=x", "config", "check"], 7)]
#[case::no_master_key(&["config", "check"], 7)]
#[case::no_database(&["user", "list"], 2)]
fn scripts_are_told_what_went_wrong(#[case] arguments: &[&str], #[case] code: i32) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!(output.stdout.is_empty(), code != 0, "{message}");
}

/// A server on any ports.
const SERVE: [&str; 5] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

#[test]
fn what_is_refused_leaves_no_database_behind() {
    let folder = tempfile::tempdir().unwrap();
    let master_key = ("VESTIBULE_KEYS__MASTER_KEY", "0".repeat(64));
    let refused = |arguments: &[&str], environment: &[&(&str, String)], code: i32| {
        let mut command = vestibule();
        let environment = environment.iter().map(|(name, value)| (name, value));
        let output = command
            .current_dir(folder.path())
            .args(arguments)
            .envs(environment)
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{message}");
        message
    };
    // Whatever else is wrong, such as a port that is taken.
    let message = refused(&["serve"], &[], 2);
    assert!(message.contains("keys.master_key"), "{message}");
    for arguments in [&["org", "list"][..], &["keyring", "list"], &SERVE] {
        let message = refused(arguments, &[&master_key], 2);
        let file = folder.path().join("vestibule.db");
        assert!(message.contains(file.to_str().unwrap()), "{message}");
        assert!(message.contains("--data-dir"), "{message}");
        assert!(message.contains("`vestibule migrate`"), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // One that is there and empty is named, and left empty.
    let file = folder.path().join("other.db");
    std::fs::write(&file, "").unwrap();
    let other = ("VESTIBULE_STORE__URL", "sqlite:other.db".to_owned());
    for arguments in [&["org", "list"][..], &SERVE] {
        let message = refused(arguments, &[&master_key, &other], 2);
        assert!(message.contains(file.to_str().unwrap()), "{message}");
        assert_eq!(std::fs::read(&file).unwrap(), b"");
    }
    // And one that does not answer is named without its password.
    let away = "postgres://ada:engine@127.0.0.1:1/vestibule".to_owned();
    let away = ("VESTIBULE_STORE__URL", away);
    let message = refused(&["org", "list"], &[&master_key, &away], 75);
    assert!(message.contains("127.0.0.1:1/vestibule"), "{message}");
    assert!(message.contains("refused"), "{message}");
    assert!(!message.contains("engine"), "{message}");
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone_and_keeps_its_mode() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("thesis");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("thesis.txt"), "mine").unwrap();
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(&folder, temporary.path().join("link")).unwrap();
    for name in ["thesis", "link"] {
        let output = run(temporary.path(), &["quickstart", "--data-dir", name]);
        assert_eq!(output.status.code(), Some(6), "{name}");
        assert_eq!(mode(&folder), 0o755, "{name}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
    // Nor is one taken over in which everybody may put something.
    let shared = temporary.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, Permissions::from_mode(0o777)).unwrap();
    let output = run(temporary.path(), &["quickstart", "--data-dir", "shared"]);
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(mode(&shared), 0o777);
    assert_eq!(std::fs::read_dir(&shared).unwrap().count(), 0);
}

#[test]
fn an_empty_folder_is_used_and_keeps_its_mode() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("mine");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
    let quickstart = Quickstart::start(&folder);
    assert_eq!(mode(&folder), 0o750);
    for entry in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()) & 0o077, 0);
    }
    assert_eq!(quickstart.end(), Some(0));
}

#[rstest]
#[case::hash(b"C#")]
#[case::percent(b"100%")]
#[case::encoded(b"%41")]
#[case::colon(b"a:b")]
#[case::question_mark(b"a?b")]
#[case::parameters(b"a?mode=ro")]
#[case::time(b"2026-11-30T15:10")]
#[case::quotes(b"it's \"mine\"")]
#[case::not_utf8(b"caf\xe9")]
fn a_data_folder_may_have_any_name(#[case] name: &[u8]) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join(OsStr::from_bytes(name));
    let quickstart = Quickstart::start(&folder);
    let key = quickstart.line["api_key"].as_str().unwrap().to_owned();
    assert_eq!(quickstart.get("/v1/documents", &key), 200);
    let list = vestibule()
        .args(["key", "list", "Acme", "--data-dir"])
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(list.status.code(), Some(0), "{list:?}");
    assert_eq!(quickstart.end(), Some(0));
    let again = Quickstart::start(&folder);
    assert_eq!(again.get("/v1/documents", &key), 200);
    // What it keeps is in this folder, and nowhere else.
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);
    assert!(folder.join("vestibule.db").exists() && folder.join("sample.db").exists());
}

#[test]
fn a_quickstart_takes_the_address_for_probes_that_it_is_told() {
    let temporary = tempfile::tempdir().unwrap();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    for (address, code) in [(taken.to_string(), 1), ("0.0.0.0:0".to_owned(), 2)] {
        let set = format!("server.admin_listen={address}");
        let listen = ["quickstart", "--listen", "127.0.0.1:0", "--set", &set];
        let output = run(temporary.path(), &listen);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(message.contains(&address), "{message}");
    }
}

#[test]
fn the_help_of_a_quickstart_says_where_it_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["quickstart", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("[default: vestibule-data]"), "{help}");
    assert!(!help.contains("--config"), "{help}");
    let named = ["quickstart", "--config", "vestibule.toml"];
    assert_eq!(run(folder.path(), &named).status.code(), Some(2));
}

#[test]
fn the_help_begins_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["--help"]);
    insta::assert_snapshot!(String::from_utf8(help.stdout).unwrap());
}
