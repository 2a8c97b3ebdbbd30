//! `vestibule sso`, beside a server with a provider.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, Setup};

use super::setup::secret;
use super::{CLEO, Wanderer, token_of};

/// A server whose command line may call the provider on this machine, too.
async fn fixture(backend: Backend) -> Fixture {
    let setup = Setup::new(backend).with_idp();
    let setup = setup.with("SSO__ALLOWED_NETWORKS", "127.0.0.1/32");
    setup
        .with("SSO__PLAIN_HTTP_HOSTS", "127.0.0.1")
        .start()
        .await
}

/// What a command says that must fail with this code.
async fn refused(fixture: &Fixture, arguments: &[&str], stdin: &str, code: i32) -> String {
    let output = fixture.cli_with(arguments, stdin).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[rstest]
#[tokio::test]
async fn a_connection_is_added_listed_tested_shown_and_disabled(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let discovery = format!("{}/.well-known/openid-configuration", fixture.idp_url());
    let add = |issuer, id| {
        let start = ["sso", "add", "Acme", "Second", "--issuer", issuer];
        [&start[..], &["--client-id", id, "--secret-stdin", "--json"]].concat()
    };
    let secret = secret(&fixture);
    // A wrong value is told, which one and why.
    let wrong = format!("{}/realm", fixture.idp_url());
    let said = refused(&fixture, &add(&wrong, "vestibule"), &secret, 2).await;
    assert!(
        said.contains("issuer") && said.contains("discovery"),
        "{said}"
    );
    let said = refused(&fixture, &add(&discovery, "another"), &secret, 2).await;
    assert!(
        said.contains("does not know the client id another"),
        "{said}"
    );
    let said = refused(&fixture, &add(&discovery, "vestibule"), "wrong", 2).await;
    assert!(said.contains("the client secret is wrong"), "{said}");

    let added = fixture
        .cli_with(&add(&discovery, "vestibule"), &secret)
        .await;
    let said = String::from_utf8_lossy(&added.stderr);
    assert!(added.status.success(), "{said}");
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!(added["issuer"], fixture.idp_url());
    assert!(!added.to_string().contains(&secret));

    let list = fixture.cli_json(&["sso", "list", "Acme"]).await;
    let names: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["Development provider", "Second"]);

    let tested = fixture.cli_json(&["sso", "test", "Acme", "Second"]).await;
    let checks = tested["items"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "credentials"));
    assert!(
        checks.iter().all(|check| check["passed"] == true),
        "{tested}"
    );

    let shown = fixture.cli_json(&["sso", "show", "Acme", "Second"]).await;
    assert_eq!(shown["enabled"], true);
    assert!(!shown.to_string().contains(&secret));

    // Whoever came by it is out, and nobody else comes in.
    let token = token_of(&fixture, CLEO).await;
    fixture
        .cli_json(&["sso", "disable", "Acme", "Second"])
        .await;
    let shown = fixture.cli_json(&["sso", "show", "Acme", "Second"]).await;
    assert_eq!(shown["enabled"], false);
    let disable = [
        "sso",
        "disable",
        "Acme",
        fixture.sso_connection(),
        "--end-sessions",
    ];
    fixture.cli_json(&[&disable[..], &["--yes"]].concat()).await;
    let me = fixture.get("/v1/users/me").bearer(&token).send().await;
    me.expect(401);
    let body = json!({ "tenant_id": fixture.acme(), "redirect_uri": super::APP });
    let call = fixture.post("/v1/auth/sso/initiate").json(body);
    call.send().await.expect(404);
}

#[rstest]
#[tokio::test]
async fn a_test_sign_in_begins_at_a_url_once_and_creates_nobody(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let public = format!("server.public_url={}", fixture.url());
    let command = [
        "sso",
        "test",
        "Acme",
        "Development provider",
        "--sign-in",
        "--set",
        &public,
    ];
    let url = fixture.cli(&command).await;
    assert!(url.status.success(), "{url:?}");
    let url = String::from_utf8(url.stdout).unwrap().trim().to_owned();
    assert!(url.starts_with(fixture.url()), "{url}");

    let mut browser = Wanderer::new(&fixture);
    let report = browser.sign_in(&url, CLEO).await.expect(200);
    assert_eq!(report.text_at("/claims/email"), CLEO);
    assert_eq!(report.json()["outcome"]["creates_user"], true);
    assert_eq!(report.json()["outcome"]["role"], "USER");
    assert_eq!(browser.session(), None);
    let users = fixture.cli_json(&["member", "list", "Acme"]).await;
    assert!(!users.to_string().contains(CLEO), "{users}");
    let attempts = ["sso", "show", "Acme", "Development provider", "--attempts"];
    let attempts = fixture.cli_json(&attempts).await;
    assert_eq!(attempts["items"][0]["purpose"], "test");
    assert_eq!(attempts["items"][0]["report"]["claims"]["email"], CLEO);

    // Once; and only as it was made, at the place that it was made for.
    let again = browser.get(&url).await.expect(401);
    assert_eq!(again.reason(), "sso_ticket");
    let mut changed = url.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    for wrong in [format!("{changed}{last}"), format!("{changed}!"), changed] {
        let refused = browser.get(&wrong).await.expect(401);
        assert_eq!(refused.reason(), "sso_ticket");
    }
}

#[rstest]
#[tokio::test]
async fn owners_are_kept_out_of_enforcement_and_nobody_once_it_is_over(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let ada = fixture.ada().email;
    let enforce = [
        "sso",
        "policy",
        "Acme",
        "--enforce",
        "true",
        "--break-glass",
        &ada,
    ];
    let policy = fixture.cli_json(&enforce).await;
    assert_eq!(policy["enforced"], true);
    assert_eq!(policy["break_glass"], json!([fixture.ada().id]));
    let empty = ["sso", "policy", "Acme", "--no-break-glass"];
    let said = refused(&fixture, &empty, "", 6).await;
    assert!(said.contains("owner"), "{said}");
    let both = [&empty[..], &["--enforce", "false", "--json"]].concat();
    let policy = fixture.cli(&both).await;
    let policy: Value = serde_json::from_slice(&policy.stdout).unwrap();
    assert_eq!(policy["enforced"], false);
    assert_eq!(policy["break_glass"], json!([]));
}
