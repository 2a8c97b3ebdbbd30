//! The command line: what it prints where, and the code with which it ends.

use std::process::Output;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, Line, Setup, command};

use crate::measure::print;

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// JSON on one line, its members in order, and what is another one each time by its kind.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name}: {}", shape(value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shape).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => kind(text),
        other => other.to_string(),
    }
}

fn kind(text: &str) -> String {
    let id = text
        .split_once('_')
        .filter(|(_, suffix)| suffix.len() == 26);
    let time = text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    match id {
        Some((noun, _)) => format!("<{noun}>"),
        None if time => "<time>".to_owned(),
        None if text.starts_with("ks_live_") => "<secret>".to_owned(),
        None => text.to_owned(),
    }
}

/// Runs a command that must succeed: JSON alone on stdout, and nothing on stderr.
async fn good(fixture: &Fixture, arguments: &[&str]) -> Value {
    let output = fixture.cli(&[arguments, &["--json"]].concat()).await;
    assert_eq!(code(&output), 0, "{arguments:?}: {output:?}");
    assert_eq!(stderr(&output), "", "{arguments:?}");
    assert_eq!(stdout(&output).lines().count(), 1, "{arguments:?}");
    serde_json::from_str(stdout(&output)).unwrap()
}

/// Runs a command that must be refused with this code: the cause on stderr, nothing on stdout.
async fn refused(fixture: &Fixture, arguments: &[&str], expected: i32) -> String {
    let output = fixture.cli(arguments).await;
    assert_eq!(code(&output), expected, "{arguments:?}: {output:?}");
    assert_eq!(stdout(&output), "", "{arguments:?}");
    assert_ne!(stderr(&output), "", "{arguments:?}");
    stderr(&output).to_owned()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_what_it_did_in_json(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let password = ["--password-stdin", "--json"];
    let added = fixture
        .cli_with(
            &[
                &["user", "add", "eve@example.com", "--first-name", "Eve"],
                &password[..],
            ]
            .concat(),
            "correct horse",
        )
        .await;
    assert_eq!((code(&added), stderr(&added)), (0, ""));
    let added: Value = serde_json::from_str(stdout(&added)).unwrap();
    assert_eq!(
        shape(&added),
        "{created_at: <time>, email: eve@example.com, first_name: Eve, id: <user>, last_name: null, suspended_at: null}"
    );
    let eve = "eve@example.com";

    let shown = good(&fixture, &["user", "show", eve]).await;
    assert_eq!(
        (
            &shown["id"],
            &shown["has_password"],
            &shown["organizations"]
        ),
        (&added["id"], &json!(true), &json!([]))
    );
    let users = good(&fixture, &["user", "list", "--limit", "1"]).await;
    assert_eq!(
        (users["items"].as_array().unwrap().len(), &users["total"]),
        (1, &json!(3))
    );
    let set = fixture
        .cli_with(
            &[&["user", "set-password", eve], &password[..]].concat(),
            "battery staple\n",
        )
        .await;
    assert_eq!((code(&set), stderr(&set)), (0, ""));
    let suspended = good(&fixture, &["user", "suspend", eve, "--yes"]).await;
    assert_eq!(kind(suspended["suspended_at"].as_str().unwrap()), "<time>");
    assert_eq!(good(&fixture, &["user", "unsuspend", eve]).await, added);

    let mut org = good(
        &fixture,
        &["org", "add", "Initech", "--owner", eve, "--plan", "team"],
    )
    .await;
    assert_eq!(
        shape(&org),
        "{created_at: <time>, deactivated_at: null, id: <tenant>, name: Initech, plan: team, seats: 50, seats_taken: 1, warnings: []}"
    );
    org.as_object_mut().unwrap().remove("warnings");
    assert_eq!(good(&fixture, &["org", "show", "Initech"]).await, org);
    let shown = good(&fixture, &["user", "show", eve]).await;
    assert_eq!(
        shown["organizations"],
        json!([{ "id": org["id"], "name": "Initech", "role": "OWNER" }])
    );
    assert_eq!(good(&fixture, &["org", "list"]).await["total"], 3);
    let renamed = good(&fixture, &["org", "rename", "Initech", "Initrode"]).await;
    assert_eq!(
        (&renamed["id"], &renamed["name"]),
        (&org["id"], &json!("Initrode"))
    );
    good(&fixture, &["org", "rename", "Initrode", "Initech"]).await;
    let ended = good(&fixture, &["org", "deactivate", "Initech", "--yes"]).await;
    assert_eq!(kind(ended["deactivated_at"].as_str().unwrap()), "<time>");
    assert_eq!(good(&fixture, &["org", "activate", "Initech"]).await, org);
    // The new password is the one without the line break.
    let body = json!({ "email": eve, "password": "battery staple" });
    fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(200);

    let bob = fixture.bob().email;
    let member = good(&fixture, &["member", "add", "Initech", &bob]).await;
    assert_eq!(
        shape(&member),
        "{created_at: <time>, deactivated_at: null, email: bob@example.com, organization_id: <tenant>, role: USER, user_id: <user>}"
    );
    let member = good(&fixture, &["member", "role", "Initech", &bob, "ADMIN"]).await;
    assert_eq!(member["role"], "ADMIN");
    good(
        &fixture,
        &["member", "deactivate", "Initech", &bob, "--yes"],
    )
    .await;
    good(&fixture, &["member", "activate", "Initech", &bob]).await;
    assert_eq!(
        good(&fixture, &["member", "list", "Initech"]).await["total"],
        2
    );

    let group = good(&fixture, &["group", "add", "Initech", "Engineers"]).await;
    assert_eq!(
        shape(&group),
        "{created_at: <time>, id: <group>, name: Engineers, organization_id: <tenant>}"
    );
    let put = good(
        &fixture,
        &["group", "add-member", "Initech", "Engineers", &bob],
    )
    .await;
    assert_eq!(shape(&put), "{group_id: <group>, user_id: <user>}");
    let groups = good(&fixture, &["group", "list", "Initech"]).await;
    assert_eq!(
        shape(&groups),
        "{items: [{created_at: <time>, id: <group>, members: [<user>], name: Engineers, organization_id: <tenant>}], next: null, total: 1, total_is_exact: true}"
    );

    let add = [
        "grant",
        "add",
        "Initech",
        "--group",
        "Engineers",
        "READ_WRITE",
        "/shared/eng",
    ];
    let grant = good(&fixture, &add).await;
    assert_eq!(
        shape(&grant),
        "{can_approve: false, capability: READ_WRITE, created_at: <time>, group_id: <group>, id: <grant>, organization_id: <tenant>, path: /shared/eng, updated_at: <time>, user_id: null}"
    );
    let grants = good(
        &fixture,
        &["grant", "list", "Initech", "--group", "Engineers"],
    )
    .await;
    assert_eq!(grants, json!({ "items": [grant], "total": 1 }));
    let id = grant["id"].as_str().unwrap();
    good(&fixture, &["grant", "remove", "Initech", id, "--yes"]).await;
    good(
        &fixture,
        &[
            "group",
            "remove-member",
            "Initech",
            "Engineers",
            &bob,
            "--yes",
        ],
    )
    .await;

    let create = [
        "key",
        "create",
        "Initech",
        &bob,
        "robot",
        "--grant",
        "READ_ONLY:/shared",
    ];
    let key = good(&fixture, &create).await;
    assert_eq!(
        shape(
            &json!({ "key": key["key"], "id": key["id"], "name": key["name"], "expires_at": key["expires_at"] })
        ),
        "{expires_at: null, id: <key>, key: <secret>, name: robot}"
    );
    let me = fixture
        .get("/v1/users/me")
        .bearer(key["key"].as_str().unwrap());
    me.send().await.expect(200);
    let own = json!([{ "path": "/shared", "capability": "READ_ONLY", "can_approve": false }]);
    let keys = good(&fixture, &["key", "list", "Initech"]).await;
    assert_eq!(
        (&keys["total"], &key["grants"], &keys["items"][0]["grants"]),
        (&json!(1), &own, &own)
    );
    let table = fixture.cli(&["key", "list", "Initech"]).await;
    let table = stdout(&table);
    assert!(
        table.contains("narrowed_to") && table.contains("READ_ONLY:/shared"),
        "{table}"
    );
    let all = good(&fixture, &["key", "list", "Acme"]).await;
    assert_eq!(all["items"][0].get("grants"), None, "{all}");
    assert!(!keys.to_string().contains(key["key"].as_str().unwrap()));
    let revoked = good(
        &fixture,
        &[
            "key",
            "remove",
            "Initech",
            key["id"].as_str().unwrap(),
            "--yes",
        ],
    )
    .await;
    assert_eq!(shape(&revoked), "{id: <key>}");
    let removed = good(&fixture, &["member", "remove", "Initech", &bob, "--yes"]).await;
    assert_eq!(
        shape(&removed),
        "{organization_id: <tenant>, user_id: <user>}"
    );

    let removed = good(
        &fixture,
        &["group", "remove", "Initech", "Engineers", "--yes"],
    )
    .await;
    assert_eq!(removed, group);
    let beyond = ["group", "list", "Initech", "--limit", "1", "--offset", "1"];
    assert_eq!(
        good(&fixture, &beyond).await,
        json!({ "items": [], "total": 0, "total_is_exact": true, "next": null })
    );

    let plans = good(&fixture, &["plan", "list"]).await;
    assert_eq!(
        shape(&plans),
        "{items: [{features: [], limits: {}, name: free, seats: 5}, {features: [agents], limits: {agent_messages_per_month: 1000}, name: team, seats: 50}], total: 2}"
    );
    assert_eq!(
        good(&fixture, &["plan", "set", "Initech", "free"]).await["plan"],
        "free"
    );

    let audit = good(
        &fixture,
        &["audit", "list", "Initech", "--kind", "organization.*"],
    )
    .await;
    let newest = &audit["items"][0];
    assert_eq!(newest["organization_id"], org["id"], "{audit}");
    assert_eq!(
        newest["user_id"],
        Value::Null,
        "the operator is nobody: {audit}"
    );

    assert_eq!(good(&fixture, &["keyring", "list"]).await["total"], 1);
    assert!(good(&fixture, &["migrate"]).await["store"].is_string());
    assert_eq!(
        shape(&good(&fixture, &["config", "check"]).await),
        "{ok: true, warnings: []}"
    );
    let config = fixture.cli(&["config", "show", "--origin", "--json"]).await;
    let config: Value = serde_json::from_str(stdout(&config)).unwrap();
    assert_eq!(config["keys.master_key"]["value"], "***", "{config}");
    let document = fixture.cli(&["openapi"]).await;
    let document: Value = serde_json::from_str(stdout(&document)).unwrap();
    let served = fixture.get("/openapi.json").send().await.expect(200).json();
    assert_eq!(document["paths"], served["paths"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_code_and_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let before = fixture.cli_json(&["audit", "list", "Acme"]).await;
    let (acme, ada, bob) = (fixture.acme(), fixture.ada().email, fixture.bob().email);
    let nobody = "user_00000000000000000000000000";
    let no_key = "key_00000000000000000000000000";
    let no_grant = "grant_00000000000000000000000000";
    let rows: &[(&[&str], i32)] = &[
        // What cannot be read, or is in the way.
        (
            &["user", "set-password", &bob, "--password-file", "/nowhere"],
            1,
        ),
        (
            &[
                "explain",
                "--credential-file",
                "/nowhere",
                "GET",
                "/v1/users/me",
            ],
            1,
        ),
        // What makes no sense.
        (&[], 2),
        (&["fly"], 2),
        (&["org", "list", "--limit", "0"], 2),
        (&["org", "list", "--set", "nonsense"], 2),
        (&["org", "list", "--set", "log.levl=warn"], 2),
        (
            &["org", "list", "--set", "store.url=sqlite:elsewhere.db"],
            2,
        ),
        (&["org", "list", "--set", "keys.master_key=00"], 2),
        (&["user", "add", "no address"], 2),
        (&["user", "show", "no id"], 2),
        (&["user", "set-password", &bob], 2),
        (&["org", "add", "", "--owner", &ada], 2),
        (&["member", "role", acme, &bob, "KING"], 2),
        (&["group", "add", acme, ""], 2),
        (&["grant", "add", acme, "READ_ONLY", "/shared"], 2),
        (
            &["grant", "add", acme, "--user", &bob, "READ", "/shared"],
            2,
        ),
        (
            &[
                "grant",
                "add",
                acme,
                "--user",
                &bob,
                "READ_ONLY",
                "shared/../x",
            ],
            2,
        ),
        (
            &["key", "create", acme, &ada, "k", "--grant", "READ_ONLY"],
            2,
        ),
        (
            &["key", "create", acme, &ada, "k", "--expires-at", "tomorrow"],
            2,
        ),
        (&["audit", "list", acme, "--since", "yesterday"], 2),
        (&["quickstart", "--listen", "0.0.0.0:0"], 2),
        (&["quickstart", "--listen", "127.0.0.1"], 2),
        // What cannot be undone, without consent and nobody to ask.
        (&["user", "suspend", &bob], 2),
        (&["org", "deactivate", acme], 2),
        (&["member", "deactivate", acme, &bob], 2),
        (&["member", "remove", acme, &bob], 2),
        // What is not there.
        (&["user", "show", "nobody@example.com"], 5),
        (&["user", "show", nobody], 5),
        (&["user", "suspend", nobody, "--yes"], 5),
        (&["user", "unsuspend", nobody], 5),
        (&["org", "show", "Nowhere"], 5),
        (&["org", "show", "tenant_00000000000000000000000000"], 5),
        (&["org", "activate", "Nowhere"], 5),
        (&["org", "add", "New", "--owner", "nobody@example.com"], 5),
        (&["member", "list", "Nowhere"], 5),
        (&["member", "add", acme, "nobody@example.com"], 5),
        (&["member", "role", fixture.globex(), &bob, "ADMIN"], 5),
        (&["member", "activate", fixture.globex(), &bob], 5),
        (&["group", "list", "Nowhere"], 5),
        (&["group", "add-member", acme, "Nobodies", &bob], 5),
        (&["group", "remove-member", acme, "Nobodies", &bob], 5),
        (&["key", "list", "Nowhere"], 5),
        (&["key", "revoke", acme, no_key, "--yes"], 5),
        (&["grant", "list", acme, "--group", "Nobodies"], 5),
        (&["grant", "remove", acme, no_grant, "--yes"], 5),
        (&["plan", "set", "Nowhere", "team"], 5),
        (&["audit", "list", "Nowhere"], 5),
        // What the world does not allow.
        (&["user", "add", &bob], 6),
        (&["member", "add", acme, &bob], 6),
        (&["member", "role", acme, &ada, "USER"], 6),
        (&["member", "remove", acme, &ada, "--yes"], 6),
        (
            &[
                "grant",
                "add",
                acme,
                "--user",
                &bob,
                "READ_ONLY",
                "/shared/reports/q1",
            ],
            6,
        ),
        // What was asked, and is not so.
        (&["config", "check", "--set", "log.levl=warn"], 7),
        (&["config", "check", "--set", "server.listen=nowhere"], 7),
    ];
    for (arguments, expected) in rows {
        let said = refused(&fixture, arguments, *expected).await;
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    let said = refused(
        &fixture,
        &["config", "check", "--set", "server.lisen=127.0.0.1:1"],
        7,
    )
    .await;
    assert!(said.contains("server.listen"), "no suggestion: {said}");
    assert_eq!(fixture.cli_json(&["audit", "list", "Acme"]).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_is_worth_another_try() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let config = fixture.data().join("vestibule.toml");
    for arguments in [["org", "list"], ["user", "list"], ["keyring", "rotate"]] {
        let mut command = command();
        command.args(arguments).arg("--config").arg(&config);
        command.env(
            "VESTIBULE_STORE__URL",
            "postgres://nobody:secret@127.0.0.1:1/nothing",
        );
        let begun = Instant::now();
        let output = command.output().await.unwrap();
        assert_eq!((code(&output), stdout(&output)), (75, ""), "{output:?}");
        assert!(!stderr(&output).contains("secret"), "{output:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_port_is_taken_fails_and_touches_nothing() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let address = fixture.url().trim_start_matches("http://");
    let said = refused(&fixture, &["serve", "--listen", address], 1).await;
    assert!(said.contains(address), "{said}");
    refused(&fixture, &["quickstart", "--listen", address], 1).await;
    fixture
        .get("/v1/users/me")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_too_small_is_set_and_said_to_be(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let add = async |number: u32| {
        let email = format!("m{number}@example.com");
        fixture.cli_json(&["user", "add", &email]).await;
        fixture.cli(&["member", "add", "Acme", &email]).await
    };
    for number in 0..4 {
        assert_eq!(code(&add(number).await), 0);
    }
    let output = fixture.cli(&["plan", "set", "Acme", "free"]).await;
    assert_eq!(
        (code(&output), stderr(&output)),
        (
            0,
            "Acme is on the plan free now. It has 6 members for 5 seats: they stay, and nobody \
             else is let in.\n"
        )
    );
    let shown = good(&fixture, &["org", "show", "Acme"]).await;
    assert_eq!(
        (&shown["seats"], &shown["seats_taken"]),
        (&json!(5), &json!(6))
    );
    let refused = add(4).await;
    assert_eq!(code(&refused), 6);
    let said = stderr(&refused);
    assert!(said.contains("has 5 seats and 6 are taken"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_organisations_of_one_name_the_ids_are_told() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ada = fixture.ada().email;
    let output = fixture.cli(&["org", "add", "Acme", "--owner", &ada]).await;
    assert_eq!(code(&output), 0);
    let said = stderr(&output);
    assert!(
        said.contains("2 organisations are called Acme now"),
        "{said}"
    );
    let second = stdout(&output)
        .lines()
        .find_map(|line| line.strip_prefix("id: "));
    let third = good(&fixture, &["org", "add", "Globus", "--owner", &ada]).await;
    assert_eq!(third["warnings"], json!([]));
    let id = third["id"].as_str().unwrap();
    let third = good(&fixture, &["org", "rename", id, "Acme"]).await;
    assert_eq!(
        third["warnings"],
        json!(["3 organisations are called Acme now: commands tell them apart by their ids."])
    );
    let said = refused(&fixture, &["member", "list", "Acme"], 6).await;
    for id in [fixture.acme(), second.unwrap(), id] {
        assert!(said.contains(id), "{said}");
        good(&fixture, &["member", "list", id]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_that_everybody_can_read_is_refused_unless_that_is_allowed() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::start(Backend::Sqlite).await;
    let file = fixture.data().join("master.key");
    let checked = good(&fixture, &["config", "check"]).await;
    assert_eq!(checked["warnings"], json!([]));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(&fixture, &["config", "check"], 7).await;
    let allowed = "server.allow_readable_secrets=true";
    let checked = good(&fixture, &["config", "check", "--set", allowed]).await;
    let warning = checked["warnings"][0].as_str().unwrap();
    for part in ["keys.master_key", file.to_str().unwrap(), "mode 644"] {
        assert!(said.contains(part), "{said}");
        assert!(warning.contains(part), "{warning}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_to_stderr_and_data_to_stdout() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let output = fixture
        .cli(&["key", "create", "Acme", &fixture.ada().email, "robot"])
        .await;
    let key = stdout(&output).trim_end();
    assert_eq!(kind(key), "<secret>");
    assert!(!stderr(&output).contains(key) && stderr(&output).contains("robot"));
    fixture
        .get("/v1/users/me")
        .bearer(key)
        .send()
        .await
        .expect(200);
    let output = fixture.cli(&["plan", "set", "Globex", "team"]).await;
    assert_eq!(
        (stdout(&output), stderr(&output)),
        ("", "Globex is on the plan team now.\n")
    );
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["key", "create", "--help"],
    ] {
        let output = fixture.cli(arguments).await;
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{arguments:?}");
    }
    // Nowhere is there a flag for a secret.
    let help = fixture.cli(&["user", "set-password", "--help"]).await;
    assert!(!stdout(&help).contains("--password "), "{help:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn explain_names_the_rule_and_what_met_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let token = fixture.token_of(&fixture.bob()).await;
    let explain = async |credential: &str, method: &str, path: &str| {
        let arguments = ["explain", "--credential-stdin", method, path, "--json"];
        let output = fixture
            .cli_with(&arguments, &format!("{credential}\n"))
            .await;
        let said: Value = serde_json::from_str(stdout(&output)).unwrap();
        assert_eq!(
            code(&output),
            if said["verdict"] == "denied" { 7 } else { 0 }
        );
        assert!(!stderr(&output).contains(credential) && !stdout(&output).contains(credential));
        said
    };
    let said = explain(fixture.key(), "get", "/v1/user-permissions?limit=1").await;
    assert_eq!(
        (&said["verdict"], &said["rule"]),
        (&json!("passes"), &json!("GET /v1/user-permissions"))
    );
    assert!(
        said["lines"].to_string().contains("by the role OWNER"),
        "{said}"
    );
    let said = explain(&token, "GET", "/v1/user-permissions").await;
    assert_eq!(
        (&said["verdict"], &said["reason"]),
        (&json!("denied"), &json!("role_required"))
    );
    assert!(said["lines"].to_string().contains("as USER"), "{said}");
    let said = explain(&token, "GET", "/v1/users/me").await;
    assert_eq!(said["verdict"], "passes", "{said}");
    // What a path asks for is met by a grant: the feature of the plan is named where it decides.
    good(&fixture, &["plan", "set", "Acme", "free"]).await;
    let said = explain(fixture.key(), "POST", "/api/managed-agents/session").await;
    assert_eq!(said["verdict"], "denied");
    assert!(said["lines"].to_string().contains("agents"), "{said}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn explain_gives_the_reason_that_the_server_gives(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let ada = fixture.ada();
    let token = fixture.token_of(&ada).await;
    let session = fixture.cookie_of(&ada).await;
    let gone = fixture.token_of(&fixture.bob()).await;
    let ended = fixture.post("/v1/auth/signout").bearer(&gone).send().await;
    ended.expect(200);
    let altered = format!("{}0", &fixture.key()[..fixture.key().len() - 1]);
    for (credential, method, path) in [
        (fixture.key(), "GET", "/v1/users/me"),
        (fixture.key(), "POST", "/v1/users/me"),
        (fixture.key(), "GET", "/v1/nowhere"),
        (fixture.key(), "GET", "/v1//users"),
        (fixture.key(), "POST", "/v1/auth/uat"),
        (&token, "GET", "/v1/documents"),
        (&gone, "GET", "/v1/documents"),
        ("ks_live_nonsense", "GET", "/v1/users/me"),
        ("nonsense", "GET", "/api/auth/session"),
        (&altered, "GET", "/v1/users/me"),
        (&session, "GET", "/v1/documents"),
        (&token, "GET", "/api/auth/session"),
    ] {
        let request = fixture.call(method, path);
        let answer = request.bearer(credential).send().await;
        let arguments = ["explain", "--credential-stdin", method, path, "--json"];
        let output = fixture.cli_with(&arguments, credential).await;
        let said: Value = serde_json::from_str(stdout(&output)).unwrap();
        let is_error = answer.status >= 400;
        let reason = if is_error {
            answer.reason()
        } else {
            String::new()
        };
        assert_eq!(
            (said["reason"].as_str().unwrap_or_default(), code(&output)),
            (reason.as_str(), if is_error { 7 } else { 0 }),
            "{method} {path}: {said}"
        );
    }
    // The value of a cookie is put where a browser would put it.
    let arguments = [
        "explain",
        "--credential-stdin",
        "POST",
        "/api/auth/switch-org",
    ];
    let output = fixture.cli_with(&arguments, &session).await;
    assert_eq!((code(&output), stderr(&output)), (0, ""), "{output:?}");
    let arguments = ["explain", "--credential-stdin", "GET", "/account"];
    let output = fixture.cli_with(&arguments, &session).await;
    assert_eq!((code(&output), stderr(&output)), (0, ""), "{output:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn explain_says_whose_credential_it_was_though_it_is_good_no_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let bob = fixture.bob().email;
    let create = ["key", "create", "Acme", &bob, "robot"];
    let key = good(&fixture, &create).await;
    let secret = key["key"].as_str().unwrap();
    let session = fixture.cookie_of(&fixture.bob()).await;
    let explain = async |credential: &str, path: &str| {
        let arguments = ["explain", "--credential-stdin", "GET", path, "--json"];
        let output = fixture.cli_with(&arguments, credential).await;
        serde_json::from_str::<Value>(stdout(&output)).unwrap()
    };
    // The whole value of the header does as well.
    let said = explain(&format!("Bearer {secret}"), "/v1/documents").await;
    assert_eq!(
        (&said["verdict"], &said["credential"]["name"]),
        (&json!("passes"), &json!("robot"))
    );
    good(&fixture, &["member", "deactivate", "Acme", &bob, "--yes"]).await;
    let said = explain(secret, "/v1/documents").await;
    assert_eq!(
        (
            &said["reason"],
            &said["caller"]["email"],
            &said["credential"]["id"]
        ),
        (&json!("membership_ended"), &json!(bob), &key["id"])
    );
    let lines = said["lines"].to_string();
    assert!(
        lines.contains(&bob) && lines.contains("deactivated since"),
        "{lines}"
    );
    good(&fixture, &["member", "activate", "Acme", &bob]).await;
    let id = key["id"].as_str().unwrap();
    good(&fixture, &["key", "remove", "Acme", id, "--yes"]).await;
    let said = explain(secret, "/v1/documents").await;
    assert_eq!(
        (
            &said["reason"],
            kind(said["credential"]["ended_at"].as_str().unwrap())
        ),
        (&json!("credential_revoked"), "<time>".to_owned())
    );
    assert!(
        said["lines"].to_string().contains("(robot), ended at"),
        "{said}"
    );
    good(&fixture, &["user", "suspend", &bob, "--yes"]).await;
    let said = explain(&session, "/account").await;
    assert_eq!(said["credential"]["kind"], "session_cookie", "{said}");
    assert!(
        said["lines"].to_string().contains("suspended since"),
        "{said}"
    );
    // Of what is nobody's nothing is told.
    let said = explain("ks_live_nonsense", "/v1/documents").await;
    assert_eq!((said.get("caller"), said.get("credential")), (None, None));
    let arguments = [
        "explain",
        "--credential-file",
        "/nonexist",
        "GET",
        "/v1/documents",
    ];
    let said = refused(&fixture, &arguments, 1).await;
    assert!(said.contains("/nonexist"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_tells_what_a_handler_decides_about_a_path() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let token = fixture.token_of(&fixture.bob()).await;
    let mine = format!("/users/{}/notes", fixture.bob().id);
    for (path, capability, verdict, reason, ground) in [
        (
            "/shared/reports",
            "READ_ONLY",
            "allowed",
            Value::Null,
            "by grant_",
        ),
        (
            "/shared/reports",
            "READ_WRITE",
            "denied",
            json!("capability_not_granted"),
            "READ_WRITE on /shared/reports: no",
        ),
        (
            "/private",
            "READ_ONLY",
            "denied",
            json!("path_not_granted"),
            "READ_ONLY on /private: no",
        ),
        (
            &mine,
            "READ_WRITE_DELETE",
            "allowed",
            Value::Null,
            "in the own folder",
        ),
    ] {
        let document = "/v1/documents/doc_00000000000000000000000000";
        let arguments = ["explain", "--credential-stdin", "GET", document, "--json"];
        let about = ["--path", path, "--capability", capability];
        let arguments = [&arguments[..], &about].concat();
        let output = fixture.cli_with(&arguments, &token).await;
        let said: Value = serde_json::from_str(stdout(&output)).unwrap();
        assert_eq!(
            (&said["verdict"], &said["reason"]),
            (&json!(verdict), &reason)
        );
        assert!(said["lines"].to_string().contains(ground), "{said}");
        let by = match (verdict, ground) {
            ("denied", _) => Value::Null,
            (_, "by grant_") => json!("grant"),
            _ => json!("home"),
        };
        assert_eq!(
            (&said["by"], said["grant_id"].is_string()),
            (&by, by == "grant")
        );
        assert_eq!(code(&output), if verdict == "allowed" { 0 } else { 7 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_an_error_is_one_line_of_json_on_stderr() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    for (arguments, expected, reason, field) in [
        (&["org", "show", "nope"][..], 5, "not_found", Value::Null),
        (
            &["plan", "set", "Acme", "nope"],
            2,
            "unknown_plan",
            json!("PLAN"),
        ),
        (
            &["config", "check", "--set", "log.levl=warn"],
            7,
            "wrong_configuration",
            json!("log.levl"),
        ),
        (&["user", "show", "nobody"], 2, "invalid_id", json!("USER")),
        (
            &[
                "key",
                "create",
                "Acme",
                "bob@example.com",
                "k",
                "--expires-at",
                "2001-01-01T00:00:00Z",
            ],
            2,
            "not_in_future",
            json!("--expires-at"),
        ),
        (
            &["org", "deactivate", "Acme"],
            2,
            "consent_needed",
            json!("--yes"),
        ),
        (
            &["org", "list", "--limit", "0"],
            2,
            "wrong_usage",
            json!("--limit"),
        ),
        (&["org"], 2, "wrong_usage", Value::Null),
        (
            &["org", "list", "--nonsense"],
            2,
            "wrong_usage",
            json!("--nonsense"),
        ),
    ] {
        let arguments = [arguments, &["--json"]].concat();
        let said = refused(&fixture, &arguments, expected).await;
        assert_eq!(said.lines().count(), 1, "{said}");
        let error = serde_json::from_str::<Value>(&said).unwrap()["error"].take();
        assert!(error["message"].is_string(), "{arguments:?}: {error}");
        assert_eq!(
            (&error["reason"], &error["field"]),
            (&json!(reason), &field),
            "{arguments:?}: {error}"
        );
    }
    let said = refused(&fixture, &["user", "show", "nobody"], 2).await;
    assert!(said.contains("e-mail address"), "{said}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_the_keyring_under_load_refuses_no_token(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let old = fixture.token_of(&fixture.ada()).await;
    let fresh = async {
        let mut newest = old.clone();
        loop {
            let answer = fixture.post("/v1/auth/uat").bearer(&newest).send().await;
            newest = answer.expect(200).text_at("/access_token");
            fixture
                .get("/v1/users/me")
                .bearer(&newest)
                .send()
                .await
                .expect(200);
            // As often as one user may: fifty times in the five seconds.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let load = async {
        let (mut line, mut asked) = (Line::open(fixture.url()).await.unwrap(), 0);
        let request = Line::get("/v1/users/me", &old);
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            ticks.tick().await;
            let reply = line.ask(&request).await.unwrap().unwrap();
            assert_eq!(reply.status, 200, "{}", reply.body);
            asked += 1;
        }
        asked
    };
    let rotations = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(800)).await;
            good(&fixture, &["keyring", "rotate"]).await;
        }
        std::future::pending::<()>().await;
    };
    let asked = tokio::select! {
        asked = load => asked,
        () = fresh => 0,
        () = rotations => 0,
    };
    print("requests during three rotations, none refused", asked);
    assert_eq!(good(&fixture, &["keyring", "list"]).await["total"], 4);
    // What is signed now is signed by the newest key, and the old token is good still.
    let answer = fixture
        .post("/v1/auth/uat")
        .bearer(&old)
        .send()
        .await
        .expect(200);
    let new = answer.text_at("/access_token");
    assert_ne!(head(&new), head(&old));
    // Taken out of the ring, a key verifies nothing any more.
    remove_retired_keys(&fixture).await;
    fixture.kill().await;
    fixture.restart().await;
    let answer = fixture
        .get("/v1/users/me")
        .bearer(&old)
        .send()
        .await
        .expect(401);
    print("a token of a key that was removed", answer.reason());
}

fn head(token: &str) -> &str {
    token.split('.').next().unwrap()
}

async fn remove_retired_keys(fixture: &Fixture) {
    const DELETE: &str = "DELETE FROM signing_key WHERE retired_at IS NOT NULL";
    use sqlx::Connection as _;
    if let Some(database) = fixture.database() {
        let mut connection = database.connect().await;
        sqlx::query(DELETE).execute(&mut connection).await.unwrap();
    } else {
        let file = format!("sqlite:{}", fixture.data().join("vestibule.db").display());
        let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
        sqlx::query(DELETE).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_retired_key_are_good_until_their_own_end() {
    let setup = Setup::new(Backend::Sqlite).with("SESSIONS__ACCESS_TOKEN", "4s");
    let fixture = setup.start().await;
    let token = fixture.token_of(&fixture.ada()).await;
    let begun = Instant::now();
    good(&fixture, &["keyring", "rotate"]).await;
    let me = async || {
        fixture
            .get("/v1/users/me")
            .bearer(&token)
            .send()
            .await
            .status
    };
    while begun.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(me().await, 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(4).saturating_sub(begun.elapsed())).await;
    assert_eq!(me().await, 401);
}
