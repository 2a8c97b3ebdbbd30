//! The log and what the command line prints: words of strangers are shown in it, and obeyed by
//! nothing.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Setup};

/// Each is a command to a terminal, ends a line somewhere, or turns the writing.
const COMMANDS: [char; 10] = [
    '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202e}',
    '\u{2066}', '\u{feff}',
];

#[track_caller]
fn is_plain(text: &str) {
    let bad = |c: char| COMMANDS.contains(&c) || (c.is_control() && c != '\n');
    if let Some(at) = text.find(bad) {
        let around: String = text[at..].chars().take(60).collect();
        panic!("{around:?}");
    }
}

fn encoded(character: char) -> String {
    let mut bytes = [0; 4];
    let bytes = character.encode_utf8(&mut bytes).bytes();
    let each: Vec<_> = bytes.map(|byte| format!("%{byte:02X}")).collect();
    each.concat()
}

#[rstest]
#[tokio::test]
async fn no_path_brings_a_control_character_into_the_log(#[values("text", "json")] format: &str) {
    let fixture = Setup::new(Backend::Sqlite)
        .with("LOG__FORMAT", format)
        .with("LOG__LEVEL", "info")
        .start()
        .await;
    let mut asked = 0;
    for (number, character) in COMMANDS.into_iter().enumerate() {
        for (kind, text) in [
            ("raw", character.to_string()),
            ("encoded", encoded(character)),
            ("twice", encoded(character).replace('%', "%25")),
        ] {
            let path = format!("/v1/{kind}-{number}-{text}31m-end");
            let request = format!(
                "GET {path}?{text} HTTP/1.1\r\nhost: {text}\r\nuser-agent: {text}\r\n\
                 x-request-id: {text}\r\norigin: {text}\r\nreferer: {text}\r\n\
                 authorization: Bearer {text}\r\nconnection: close\r\n\r\n"
            );
            // The library refuses some of the heads, before there is a request to be logged.
            if character.is_ascii() && kind == "raw" {
                continue;
            }
            let answer = fixture.raw(request).await;
            let status = answer.status().unwrap();
            assert!((400..500).contains(&status), "{kind} {number}: {status}");
            asked += 1;
            let logged = fixture.log();
            is_plain(&logged);
            let expected = match kind {
                "twice" => text,
                _ => encoded(character),
            };
            let expected = format!("/v1/{kind}-{number}-{expected}31m-end");
            let line = logged.lines().last().unwrap();
            assert!(line.contains(&expected), "{expected} in {line}");
            if format == "json" {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["path"], expected.as_str());
            }
        }
    }
    assert_eq!(asked, COMMANDS.len() * 3 - 2);
    let lines = fixture.log();
    let lines = lines.lines().filter(|line| line.contains("31m-end"));
    assert_eq!(lines.count(), asked, "one line each");
}

#[tokio::test]
async fn what_would_break_a_line_of_the_log_in_two_fields_is_encoded() {
    let fixture = Setup::new(Backend::Sqlite)
        .with("LOG__LEVEL", "info")
        .start()
        .await;
    let forged = "/v1/x\"\u{a0}status=200\u{2003}user=\"ada\\";
    let request = format!("GET {forged} HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n");
    fixture.raw(request).await;
    let log = fixture.log();
    let line = log.lines().last().unwrap();
    let expected = "path=/v1/x%22%C2%A0status=200%E2%80%83user=%22ada%5C status=";
    assert!(line.contains(expected), "{line}");
}

/// A stranger's words at the door, a member's names and paths: read by an operator.
#[rstest]
#[tokio::test]
async fn the_command_line_prints_nothing_that_a_terminal_obeys(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Setup::new(backend).with("LOG__LEVEL", "info").start().await;
    let name = "a\u{202e}b\u{2066}\u{200f}c";
    let made = fixture.post("/v1/api-keys").bearer(fixture.key());
    made.json(json!({ "name": name })).send().await.expect(201);
    let bob = fixture.bob();
    let path = "/shared/\u{202e}\u{200f}x";
    let granted = [
        "grant",
        "add",
        "Acme",
        "--user",
        &bob.email,
        "READ_ONLY",
        path,
    ];
    fixture.cli_json(&granted).await;
    fixture.cli_json(&["group", "add", "Acme", name]).await;
    for (arguments, code) in [
        (&["key", "list", "Acme"][..], 0),
        (&["group", "list", "Acme"], 0),
        (&["grant", "list", "Acme", "--user", &bob.email], 0),
        (&["audit", "list", "Acme"], 0),
        (&["config", "show", "--set", "brand.name=\u{202e}x"], 0),
        // What is refused is repeated.
        (&["grant", "add", "Acme", "READ_ONLY", path, path], 2),
        (&["org", "show", name], 5),
        (&["user", "show", "\u{9b}31m\u{2028}@example.com"], 2),
        (
            &["config", "check", "--set", "log.level=\u{9b}\u{202e}=x=y"],
            7,
        ),
        (&["config", "check", "--set", "server.\u{202e}\u{85}=x"], 7),
    ] {
        for json in [&[][..], &["--json"]] {
            let output = fixture.cli(&[arguments, json].concat()).await;
            assert_eq!(output.status.code(), Some(code), "{output:?}");
            for printed in [&output.stdout, &output.stderr] {
                is_plain(std::str::from_utf8(printed).unwrap());
            }
        }
    }
    // For programs nothing is lost.
    let keys = fixture.cli_json(&["key", "list", "Acme"]).await;
    let keys = keys["items"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["name"] == name), "{keys:?}");
    let shown = fixture.cli(&["key", "list", "Acme"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("a\\u202eb\\u2066\\u200fc"), "{shown}");
    let audit = fixture.cli(&["audit", "list", "Acme"]).await;
    let audit = String::from_utf8(audit.stdout).unwrap();
    assert!(audit.contains("/shared/\\u202e\\u200fx"), "{audit}");
    is_plain(&fixture.log());
}
