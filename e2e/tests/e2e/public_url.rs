//! Origins, in the configuration and as redirect URIs: one spelling, and the right one named.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture};

/// `config check`, then `serve`, with this URL in the configuration: what the first says.
async fn refused(fixture: &Fixture, url: &str) -> String {
    let set = format!("server.public_url={url}");
    let mut said = Vec::new();
    for (command, code) in [(&["config", "check"][..], 7), (&["serve"], 2)] {
        let arguments = [command, &["--set", &set, "--json"]].concat();
        let output = fixture.cli(&arguments).await;
        assert_eq!(output.status.code(), Some(code), "{url}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["reason"], "wrong_configuration", "{error}");
        assert_eq!(error["error"]["field"], "server.public_url", "{error}");
        said.push(error["error"]["message"].as_str().unwrap().to_owned());
    }
    assert_eq!(said[0], said[1]);
    said.remove(0)
}

#[tokio::test]
async fn a_public_url_that_no_browser_sends_is_refused_and_the_right_one_named() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    for (url, right) in [
        ("https://[2001:0DB8:0:0:0:0:0:1]", "https://[2001:db8::1]"),
        ("https://Auth.Example.com", "https://auth.example.com"),
        ("https://auth.example.com.", "https://auth.example.com"),
        ("https://auth.example.com:443", "https://auth.example.com"),
        ("https://auth.example.com:", "https://auth.example.com"),
        ("https://auth.example.com/x", "https://auth.example.com"),
        ("https://0x7f.1:8443", "https://127.0.0.1:8443"),
    ] {
        let said = refused(&fixture, url).await;
        assert!(
            said.contains(&format!("write \"{right}\"")),
            "{url}: {said}"
        );
        let set = format!("server.public_url={right}");
        let output = fixture.cli(&["config", "check", "--set", &set]).await;
        assert_eq!(output.status.code(), Some(0), "{right}: {output:?}");
    }
}

#[tokio::test]
async fn a_port_that_is_none_is_refused_and_not_dropped() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    for port in ["84430", "abc", "0", "-1", "443x"] {
        let url = format!("https://auth.example.com:{port}");
        let said = refused(&fixture, &url).await;
        assert!(said.contains("a port from 1 to 65535"), "{url}: {said}");
    }
    let said = refused(&fixture, "https://b\u{fc}cher.example").await;
    assert!(said.contains("xn--"), "{said}");
}

#[rstest]
#[tokio::test]
async fn a_redirect_uri_in_another_spelling_is_refused_and_the_right_one_named(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let add = async |uri: &str| {
        let call = fixture.post("/v1/sso/redirect-uris").bearer(fixture.key());
        call.json(json!({ "uri": uri })).send().await
    };
    for (uri, right) in [
        ("https://App.example.com/cb", "https://app.example.com/cb"),
        (
            "https://app.example.com:443/cb2",
            "https://app.example.com/cb2",
        ),
        ("https://[2001:0DB8::1]/cb", "https://[2001:db8::1]/cb"),
    ] {
        let refused = add(uri).await.expect(422);
        let message = refused.text_at("/errors/0/message");
        assert!(message.ends_with(&format!("write {right}")), "{message}");
        add(right).await.expect(201);
    }
    // As they were registered before, and are read from the store.
    let mapped = "https://[::ffff:192.0.2.7]/cb";
    add(mapped).await.expect(201);
    let list = fixture.get("/v1/sso/redirect-uris").bearer(fixture.key());
    let list = list.send().await.expect(200);
    assert!(list.text.contains(mapped), "{}", list.text);
}
