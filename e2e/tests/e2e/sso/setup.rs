//! Setting up a connection: a wrong value is answered with which one and why.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, Fixture};

use super::{APP, CLEO, Wanderer, fixture, fragment};

/// The secret of the provider's one client, as the folder keeps it.
pub(super) fn secret(fixture: &Fixture) -> String {
    let text = std::fs::read_to_string(fixture.data().join("idp.json")).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    kept["client_secret"].as_str().unwrap().to_owned()
}

async fn connect(fixture: &Fixture, issuer: &str, client_id: &str, secret: &str) -> Answer {
    let body = json!({
        "name": "Another",
        "settings": { "issuer": issuer, "client_id": client_id, "just_in_time": true },
        "client_secret": secret,
    });
    let call = fixture.post("/v1/sso/connections").bearer(fixture.key());
    call.json(body).send().await
}

/// Begins a sign-in by a connection; where the browser stands then.
async fn begin(browser: &mut Wanderer<'_>, fixture: &Fixture, connection: &str) -> String {
    let body =
        json!({ "connection_id": connection, "tenant_id": fixture.acme(), "redirect_uri": APP });
    let call = fixture.post("/v1/auth/sso/initiate").json(body);
    let start = call.send().await.expect(200).text_at("/redirect_url");
    let begun = browser.get(&start).await.expect(303);
    begun.header("location").to_owned()
}

/// The newest attempt of a connection.
async fn attempt(fixture: &Fixture, connection: &str) -> Value {
    let path = format!("/v1/sso/connections/{connection}/attempts");
    let list = fixture.get(&path).bearer(fixture.key()).send().await;
    list.expect(200).json()[0].take()
}

#[rstest]
#[tokio::test]
async fn a_discovery_url_an_id_and_a_secret_are_enough(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let url = format!("{}/.well-known/openid-configuration", fixture.idp_url());
    let saved = connect(&fixture, &url, "vestibule", &secret(&fixture))
        .await
        .expect(201);
    assert_eq!(saved.text_at("/connection/live/issuer"), fixture.idp_url());
    assert!(!saved.text.contains(&secret(&fixture)));
    let checks = saved.json()["checks"].take();
    let checks = checks.as_array().unwrap();
    assert!(
        checks.iter().all(|check| check["passed"] == true),
        "{checks:?}"
    );

    let id = saved.text_at("/connection/id");
    let mut browser = Wanderer::new(&fixture);
    let at = begin(&mut browser, &fixture, &id).await;
    let back = browser.pick(&at, CLEO).await;
    let end = browser.get(&back).await.expect(303);
    let token = &fragment(&end, APP)["access_token"];
    let me = fixture.get("/v1/users/me").bearer(token).send().await;
    assert_eq!(me.expect(200).text_at("/email"), CLEO);
}

#[rstest]
#[tokio::test]
async fn a_wrong_discovery_url_is_named_when_it_is_saved(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let (idp, secret) = (fixture.idp_url().to_owned(), secret(&fixture));
    let port = idp.split('/').nth(2).unwrap();
    for (issuer, reason) in [
        (format!("{idp}/realm"), "discovery"),
        (format!("{idp}/"), "issuer"),
        (
            format!("http://localhost:{}", port.rsplit(':').next().unwrap()),
            "scheme",
        ),
        ("http://127.0.0.1:1/".to_owned(), "scheme"),
        ("https://127.0.0.1:1/".to_owned(), "address_guard"),
        ("https://169.254.169.254/".to_owned(), "address_guard"),
        ("not a URL".to_owned(), "invalid_issuer"),
    ] {
        let refused = connect(&fixture, &issuer, "vestibule", &secret).await;
        let errors = refused.expect(422).json()["errors"].take();
        assert_eq!(errors[0]["field"], "issuer", "{issuer}: {errors}");
        assert_eq!(errors[0]["reason"], reason, "{issuer}: {errors}");
        assert!(
            errors[0]["message"].as_str().unwrap().len() > 20,
            "{errors}"
        );
    }
    let list = fixture.get("/v1/sso/connections").bearer(fixture.key());
    let list = list.send().await.expect(200).json();
    assert_eq!(list.as_array().unwrap().len(), 1, "nothing was saved");
}

#[rstest]
#[tokio::test]
async fn a_wrong_id_and_a_wrong_secret_are_named_when_they_are_saved(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let idp = fixture.idp_url().to_owned();
    for (id, secret, field, said) in [
        (
            "another",
            secret(&fixture),
            "client_id",
            "does not know the client id another",
        ),
        (
            "vestibule",
            "wrong".to_owned(),
            "client_secret",
            "the client secret is wrong",
        ),
    ] {
        let refused = connect(&fixture, &idp, id, &secret).await.expect(422);
        let errors = refused.json()["errors"].take();
        assert_eq!(errors[0]["reason"], "credentials", "{errors}");
        assert_eq!(errors[0]["field"], field, "{errors}");
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        assert!(!message.contains(&secret) || secret == "wrong");
    }
}

#[rstest]
#[tokio::test]
async fn a_secret_that_is_wrong_later_is_named_among_the_attempts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let body = json!({
        "name": "Another",
        "settings": { "issuer": fixture.idp_url(), "client_id": "vestibule" },
        "client_secret": "wrong",
        "save_anyway": true,
    });
    let call = fixture.post("/v1/sso/connections").bearer(fixture.key());
    let saved = call.json(body).send().await.expect(201);
    let id = saved.text_at("/connection/id");
    let mut browser = Wanderer::new(&fixture);
    let at = begin(&mut browser, &fixture, &id).await;
    let back = browser.pick(&at, CLEO).await;
    let end = browser.get(&back).await.expect(303);
    let told = fragment(&end, APP);
    // The application learns that it failed; why is for the administrators.
    assert_eq!(told["error_description"], "sso_refused");
    let attempt = attempt(&fixture, &id).await;
    assert_eq!(attempt["clause"], "token_refused", "{attempt}");
    let detail = attempt["detail"].as_str().unwrap();
    assert!(detail.contains("the client secret is wrong"), "{detail}");
}
