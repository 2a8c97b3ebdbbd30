//! A wrong value is answered with which one it is, and why.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, OidcProvider, Visitor};

use super::{APPLICATION, client, connect, fixture, sign_in, unknown, usual};

async fn refused(fixture: &Fixture, body: Value) -> Vec<(String, String, String)> {
    let call = fixture.post("/v1/sso/connections").bearer(fixture.key());
    let answer = call.json(body).send().await.expect(422).json();
    let errors = answer["errors"].as_array().unwrap().iter();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors
        .map(|error| {
            (
                text(error, "reason"),
                text(error, "message"),
                text(error, "field"),
            )
        })
        .collect()
}

#[rstest]
#[case::of_the_secret(|body: &mut Value| body["client_secret"] = json!("another"), "client_secret", "does not accept the client secret")]
#[case::of_the_client_id(|body: &mut Value| body["settings"]["client_id"] = json!("somebody"), "client_id", "does not know the client id somebody")]
#[tokio::test]
async fn a_wrong_value_is_named_before_anything_is_saved(
    #[case] spoil: fn(&mut Value),
    #[case] field: &str,
    #[case] why: &str,
) {
    let fixture = fixture(Backend::Sqlite).await;
    let mut provider = OidcProvider::start(json!({ "algorithms": ["RS256"] })).await;
    provider.enter(&client(&unknown(), &json!({}))).await;
    let mut body = usual(&provider);
    spoil(&mut body);
    let errors = refused(&fixture, body).await;
    assert_eq!(errors[0].0, "credentials", "{errors:?}");
    assert_eq!(errors[0].2, field, "{errors:?}");
    assert!(errors[0].1.contains(why), "{errors:?}");
    let list = fixture
        .get("/v1/sso/connections")
        .bearer(fixture.key())
        .send()
        .await;
    assert_eq!(list.expect(200).json(), json!([]));
}

#[rstest]
#[case::that_leads_nowhere(|issuer: &str| format!("{issuer}/nowhere/.well-known/openid-configuration"), "discovery", "404")]
#[case::that_nobody_answers(|_: &str| "http://127.0.0.1:9".to_owned(), "discovery", "")]
#[case::of_another_spelling(|issuer: &str| format!("{issuer}/"), "issuer", "must be")]
#[case::without_tls(|_: &str| "http://idp.example".to_owned(), "scheme", "https")]
#[case::inside_another_network(|_: &str| "https://10.0.0.1".to_owned(), "address_guard", "")]
#[tokio::test]
async fn a_wrong_discovery_url_is_answered_with_what_is_wrong(
    #[case] spoil: fn(&str) -> String,
    #[case] name: &str,
    #[case] why: &str,
) {
    let fixture = fixture(Backend::Sqlite).await;
    let provider = OidcProvider::start(json!({ "algorithms": ["RS256"] })).await;
    let mut body = usual(&provider);
    body["settings"]["issuer"] = json!(spoil(provider.issuer()));
    let errors = refused(&fixture, body).await;
    assert_eq!(errors[0].0, name, "{errors:?}");
    assert!(errors[0].1.contains(why), "{errors:?}");
}

/// What was right when it was saved may become wrong at the provider.
#[tokio::test]
async fn a_secret_that_becomes_wrong_is_named_in_the_attempts_and_by_the_command_line() {
    let fixture = fixture(Backend::Sqlite).await;
    let mut provider = OidcProvider::start(json!({ "algorithms": ["RS256"] })).await;
    provider.enter(&client(&unknown(), &json!({}))).await;
    let connection = connect(&fixture, usual(&provider), APPLICATION).await;
    let renewed = json!({ "client_secret": "the provider's administrator chose another" });
    provider.enter(&client(&connection, &renewed)).await;

    let mut visitor = Visitor::new(&[APPLICATION]);
    let page = sign_in(&fixture, &mut visitor, "carol").await;
    assert_eq!(page.parameter("error").as_deref(), Some("access_denied"));
    let id = connection["id"].as_str().unwrap();
    let path = format!("/v1/sso/connections/{id}/attempts");
    let attempts = fixture.get(&path).bearer(fixture.key()).send().await;
    let attempts = attempts.expect(200).json();
    assert_eq!(attempts[0]["clause"], "token_refused", "{attempts}");
    let detail = attempts[0]["detail"].as_str().unwrap();
    assert!(detail.contains("invalid_client"), "{detail}");

    let output = fixture.cli(&["sso", "test", fixture.acme(), id]).await;
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("does not accept the client secret"), "{said}");
}
