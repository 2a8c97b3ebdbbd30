//! The diagnostics of a wrong configuration, as a shell and a program see them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a configuration file that only its owner can read.
struct Configured {
    folder: TempDir,
}

impl Configured {
    fn new(text: &str) -> Self {
        let configured = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(configured.file(), text).unwrap();
        configured.set_mode(0o600);
        configured
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("vestibule.toml")
    }

    fn set_mode(&self, mode: u32) {
        std::fs::set_permissions(self.file(), Permissions::from_mode(mode)).unwrap();
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .env_clear()
            .stdin(Stdio::null())
            .current_dir(self.folder.path())
            .envs(environment.iter().copied())
            .arg("--config")
            .arg(self.file())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs a command that must be refused with this code. Returns what `--json` says.
    fn refused(&self, arguments: &[&str], environment: &[(&str, &str)], code: i32) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), environment);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{message}");
        let mut error = serde_json::from_str::<Value>(&message).unwrap()["error"].take();
        assert_eq!(error["reason"], "wrong_configuration");
        assert_eq!(error["field"], error["errors"][0]["field"]);
        error["errors"].take()
    }

    fn origin(&self) -> String {
        format!("file {}", self.file().display())
    }
}

const MASTER_KEY: &str = "4242424242424242424242424242424242424242424242424242424242424242";

#[test]
fn all_errors_are_reported_at_once() {
    let configured = Configured::new(
        "[server]\nlisten = \"here\"\nlisen = \"127.0.0.1:1\"\nmax_connections = \"many\"\n\
         [log]\nformat = \"xml\"\n[plans.team.limits]\nrequests_per_month = 5\n",
    );
    let origin = configured.origin();
    let expected = json!([
        {
            "reason": "unknown_key",
            "field": "server.lisen",
            "message": "is not a key",
            "hint": "did you mean server.listen?",
            "origin": origin,
        },
        {
            "reason": "invalid_value",
            "field": "server.max_connections",
            "message": "must be a whole number, zero or above",
            "origin": origin,
        },
        {
            "reason": "invalid_value",
            "field": "server.listen",
            "message": "must be an address and a port such as 127.0.0.1:8080, localhost:8080 or \
                        [::]:8080",
            "origin": origin,
        },
        {
            "reason": "invalid_value",
            "field": "log.format",
            "message": "must be text or json",
            "origin": origin,
        },
        {
            "reason": "unused_limit",
            "field": "plans.team.limits.requests_per_month",
            "message": "is a limit that nothing applies",
            "hint": "did you mean requests_per_minute?",
            "origin": origin,
        },
        {
            "reason": "missing",
            "field": "keys.master_key",
            "message": "is not set: write 32 random bytes to a file that only the server may read \
                        ((umask 077; head -c 32 /dev/urandom | base64 > master.key)) and name it \
                        in keys.master_key_file",
        },
    ]);
    assert_eq!(configured.refused(&["config", "check"], &[], 7), expected);
    assert_eq!(configured.refused(&["serve"], &[], 2), expected);

    let output = configured.run(&["serve"], &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert_eq!(lines[0], "error: The configuration is wrong:");
    assert_eq!(
        lines[1],
        format!("server.lisen ({origin}) is not a key; did you mean server.listen?")
    );
}

#[test]
fn a_secret_that_is_set_as_a_value_and_as_a_file_is_refused() {
    let text = format!("[keys]\nmaster_key = \"{MASTER_KEY}\"\nmaster_key_file = \"master.key\"\n");
    let configured = Configured::new(&text);
    let key = configured.folder.path().join("master.key");
    std::fs::write(&key, MASTER_KEY).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let origin = configured.origin();
    let twice = |value: &str, named_by: &str| {
        json!([{
            "reason": "given_twice",
            "field": "keys.master_key",
            "message": format!(
                "is set twice, also by the content of {}, named by {named_by}",
                key.display()
            ),
            "hint": "set either keys.master_key or keys.master_key_file",
            "origin": value,
        }])
    };
    assert_eq!(
        configured.refused(&["config", "check"], &[], 7),
        twice(&origin, &origin)
    );

    let configured_by_file = "[keys]\nmaster_key_file = \"master.key\"\n";
    std::fs::write(configured.file(), configured_by_file).unwrap();
    let variable = ("VESTIBULE_KEYS__MASTER_KEY", MASTER_KEY);
    assert_eq!(
        configured.refused(&["config", "check"], &[variable], 7),
        twice("environment VESTIBULE_KEYS__MASTER_KEY", &origin)
    );
    let fine = configured.run(&["config", "check"], &[]);
    assert_eq!(fine.status.code(), Some(0), "{fine:?}");
}

#[test]
fn a_secret_that_others_can_read_is_refused_unless_that_is_allowed() {
    let text = format!("[keys]\nmaster_key = \"{MASTER_KEY}\"\n");
    let configured = Configured::new(&text);
    configured.set_mode(0o644);
    // Root's files may be read by their group, so that the advice differs.
    let is_root = rustix::process::geteuid().is_root();
    let advice = if is_root {
        "give it to the group of the server, then chmod 640"
    } else {
        "let it belong to the user of the server, then chmod 600"
    };
    let file = configured.file();
    let file = file.display();
    let expected = json!([{
        "reason": "readable_by_others",
        "field": "keys.master_key",
        "message": format!("is in {file}, which not only the server can read or change (mode 644)"),
        "hint": format!("{advice} {file}, or set server.allow_readable_secrets = true"),
        "origin": configured.origin(),
    }]);
    assert_eq!(configured.refused(&["serve"], &[], 2), expected);
    assert_eq!(configured.refused(&["config", "check"], &[], 7), expected);

    let allowed = ("VESTIBULE_SERVER__ALLOW_READABLE_SECRETS", "true");
    let output = configured.run(&["config", "check", "--json"], &[allowed]);
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    let warning = checked["warnings"][0].as_str().unwrap();
    assert!(warning.contains("(mode 644)"), "{warning}");
    // Other commands serve nobody: they work, so that the files can be put right afterwards.
    let listed = configured.run(&["plan", "list"], &[]);
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
}

#[test]
fn a_url_without_a_password_may_be_read_by_everybody() {
    let configured = Configured::new("[store]\nurl = \"postgres://ada@db/vestibule\"\n");
    configured.set_mode(0o644);
    let key = ("VESTIBULE_KEYS__MASTER_KEY", MASTER_KEY);
    let output = configured.run(&["config", "check"], &[key]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_feature_or_limit_of_a_plan_that_no_rule_uses_is_refused() {
    let text = format!(
        "[keys]\nmaster_key = \"{MASTER_KEY}\"\n[sample]\nenabled = true\n\
         [plans.team]\nfeatures = [\"agents\", \"agent\"]\n\
         [plans.team.limits]\nrequests_per_minute = 5\nstorage = 1\n"
    );
    let configured = Configured::new(&text);
    let origin = configured.origin();
    let expected = json!([
        {
            "reason": "unused_feature",
            "field": "plans.team.features",
            "message": "has \"agent\", a feature that no rule asks for",
            "hint": "did you mean agents?",
            "origin": origin,
        },
        {
            "reason": "unused_limit",
            "field": "plans.team.limits.storage",
            "message": "is a limit that nothing applies",
            "hint": "there is agent_messages_per_month, requests_per_minute",
            "origin": origin,
        },
    ]);
    assert_eq!(configured.refused(&["serve"], &[], 2), expected);

    // Without the sample, none of its rules is there either.
    let without = [("VESTIBULE_SAMPLE__ENABLED", "false")];
    let errors = configured.refused(&["config", "check"], &without, 7);
    let hint = "no rule of this server uses a feature";
    assert_eq!(errors.as_array().unwrap().len(), 3, "{errors}");
    assert_eq!(
        errors[0]["message"],
        "has \"agents\", a feature that no rule asks for"
    );
    assert_eq!(errors[0]["hint"], hint);
}

#[test]
fn a_file_that_is_not_toml_is_the_only_error() {
    let configured = Configured::new("[store]\nurl = \"postgres://u:secret@h/d\n");
    let errors = configured.refused(&["serve"], &[], 2);
    assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
    assert_eq!(errors[0]["reason"], "unreadable_file");
    assert_eq!(errors[0]["field"], configured.file().display().to_string());
    assert!(!errors.to_string().contains("secret"), "{errors}");
}
