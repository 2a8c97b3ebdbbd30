//! The certified `oidc-provider`, in three configurations that differ in all that they may.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, OidcProvider, Visitor};

use super::{
    APPLICATION, client, connect, fixture, initiate, me, session, sign_in, token, unknown, usual,
};
use crate::support::soon;

/// RS256, the secret in the header, PKCE demanded; everything in the ID token.
#[rstest]
#[tokio::test]
async fn a_person_signs_in_with_rs256_a_secret_in_the_header_and_pkce(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let settings = json!({ "algorithms": ["RS256"], "pkce": true });
    let mut provider = OidcProvider::start(settings).await;
    provider.enter(&client(&unknown(), &json!({}))).await;
    let connection = connect(&fixture, usual(&provider), APPLICATION).await;
    let more = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    provider.enter(&client(&connection, &more)).await;

    let mut visitor = Visitor::new(&[APPLICATION]);
    let page = sign_in(&fixture, &mut visitor, "carol").await;
    assert_eq!(page.parameter("token_type").as_deref(), Some("bearer"));
    let me = me(&fixture, &token(&page)).await;
    assert_eq!(me["email"], "carol@acme.example");
    assert_eq!(me["first_name"], "carol of Acme");

    // The same person, with a session cookie.
    let cookie = session(&fixture, &mut visitor, "carol").await;
    let call = fixture.get("/api/auth/session").cookie(&cookie);
    let answer = call.send().await.expect(200).json();
    assert_eq!(answer["user"]["id"], me["id"], "{answer}");

    // Somebody else is somebody else.
    let page = sign_in(&fixture, &mut Visitor::new(&[APPLICATION]), "dave").await;
    let other = super::me(&fixture, &token(&page)).await;
    assert_ne!(other["id"], me["id"]);
}

/// ES256, a key in place of a secret; the claims stand at userinfo alone.
#[rstest]
#[case("ES256", "es256")]
#[case("PS256", "ed25519")]
#[tokio::test]
async fn a_person_signs_in_with_a_key_of_the_connection_and_claims_at_userinfo(
    #[case] algorithm: &str,
    #[case] key: &str,
) {
    let fixture = fixture(Backend::Sqlite).await;
    let settings = json!({ "algorithms": [algorithm], "userinfo": true });
    let mut provider = OidcProvider::start(settings).await;
    let mut body = usual(&provider);
    body["settings"]["algorithm"] = json!(algorithm);
    body["settings"]["client_auth"] = json!("private_key_jwt");
    body["settings"]["claims"] = json!({ "groups": "groups" });
    body["settings"]["role_by_group"] = json!({ "carols": "ADMIN" });
    body.as_object_mut().unwrap().remove("client_secret");
    body["client_key"] = json!(key);
    let connection = connect(&fixture, body, APPLICATION).await;
    let path = format!(
        "/v1/sso/connections/{}/client-key",
        connection["id"].as_str().unwrap()
    );
    let public = fixture
        .get(&path)
        .bearer(fixture.key())
        .send()
        .await
        .expect(200)
        .json();
    let signing = if key == "es256" { "ES256" } else { "EdDSA" };
    let more = json!({
        "client_secret": null,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": signing,
        "id_token_signed_response_alg": algorithm,
        "jwks": { "keys": [public] },
    });
    let mut entered = client(&connection, &more);
    entered.as_object_mut().unwrap().remove("client_secret");
    provider.enter(&entered).await;

    let mut visitor = Visitor::new(&[APPLICATION]);
    let page = sign_in(&fixture, &mut visitor, "carol").await;
    let me = me(&fixture, &token(&page)).await;
    assert_eq!(me["email"], "carol@acme.example");
    let cookie = session(&fixture, &mut visitor, "carol").await;
    let call = fixture.get("/api/auth/session").cookie(&cookie);
    let answer = call.send().await.expect(200).json();
    assert_eq!(answer["organization"]["role"], "ADMIN", "{answer}");
}

/// EdDSA, the secret in the form, and back-channel logout: the provider, and what it knows of us.
async fn with_logout(fixture: &Fixture) -> (OidcProvider, Value) {
    let mut provider = OidcProvider::start(json!({ "algorithms": ["EdDSA", "RS256"] })).await;
    let mut body = usual(&provider);
    body["settings"]["algorithm"] = json!("EdDSA");
    body["settings"]["client_auth"] = json!("secret_post");
    let more = json!({
        "token_endpoint_auth_method": "client_secret_post",
        "id_token_signed_response_alg": "EdDSA",
    });
    provider.enter(&client(&unknown(), &more)).await;
    let connection = connect(fixture, body, APPLICATION).await;
    let mut entered = client(&connection, &more);
    entered["backchannel_logout_uri"] = connection["backchannel_logout_url"].clone();
    entered["backchannel_logout_session_required"] = json!(true);
    entered["post_logout_redirect_uris"] = json!([APPLICATION]);
    provider.enter(&entered).await;
    (provider, entered)
}

#[rstest]
#[tokio::test]
async fn a_sign_out_at_the_provider_ends_the_sessions_here(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let (provider, _) = with_logout(&fixture).await;
    let page = sign_in(&fixture, &mut Visitor::new(&[APPLICATION]), "dave").await;
    let of_dave = token(&page);
    let mut visitor = Visitor::new(&[APPLICATION]);
    let page = sign_in(&fixture, &mut visitor, "carol").await;
    let of_carol = token(&page);
    let cookie = session(&fixture, &mut visitor, "carol").await;
    me(&fixture, &of_carol).await;

    let page = visitor
        .open(&format!("{}/session/end", provider.issuer()))
        .await;
    let page = visitor.submit(&page, &[("logout", "yes")]).await;
    assert_eq!(page.status, 200, "{page:?}");
    let call = || fixture.get("/v1/users/me").bearer(&of_carol).send();
    soon(401, call).await;
    let call = || fixture.get("/api/auth/session").cookie(&cookie).send();
    soon(401, call).await;
    me(&fixture, &of_dave).await;
}

#[tokio::test]
async fn a_sign_out_here_leads_through_the_provider_s_back_to_the_application() {
    let fixture = fixture(Backend::Sqlite).await;
    let (provider, _) = with_logout(&fixture).await;
    let mut visitor = Visitor::new(&[APPLICATION]);
    let token = token(&sign_in(&fixture, &mut visitor, "carol").await);
    let call = fixture.post("/v1/auth/signout").bearer(&token);
    let body = json!({ "post_logout_redirect_uri": APPLICATION });
    let url = call.json(body).send().await.expect(200);
    let url = url.text_at("/provider_sign_out_url");
    assert!(url.starts_with(provider.issuer()), "{url}");
    let page = visitor.open(&url).await;
    let page = visitor.submit(&page, &[("logout", "yes")]).await;
    assert!(page.url.starts_with(APPLICATION), "{page:?}");
    // Nobody is signed in there any more.
    let page = visitor.open(&initiate(&fixture, APPLICATION).await).await;
    assert_eq!(page.form().unwrap().value("prompt"), Some("login"));
}

/// The refusal within the minute shows that the limit holds, the success after it that it is no
/// more than a limit.
#[tokio::test]
async fn the_provider_may_change_its_keys_and_is_asked_for_them_once_a_minute() {
    let fixture = fixture(Backend::Sqlite).await;
    let (provider, entered) = with_logout(&fixture).await;
    let mut visitor = Visitor::new(&[APPLICATION]);
    token(&sign_in(&fixture, &mut visitor, "carol").await);

    let mut provider = provider.restart().await;
    provider.enter(&entered).await;
    let refused = sign_in(&fixture, &mut visitor, "carol").await;
    assert_eq!(refused.parameter("error").as_deref(), Some("access_denied"));
    let path = format!(
        "/v1/sso/connections/{}/attempts",
        connection_id(&fixture).await
    );
    let attempts = fixture.get(&path).bearer(fixture.key()).send().await;
    assert_eq!(attempts.expect(200).json()[0]["clause"], "key_unknown");

    tokio::time::sleep(Duration::from_secs(61)).await;
    let page = sign_in(&fixture, &mut visitor, "carol").await;
    me(&fixture, &token(&page)).await;
}

async fn connection_id(fixture: &Fixture) -> String {
    let list = fixture
        .get("/v1/sso/connections")
        .bearer(fixture.key())
        .send()
        .await;
    list.expect(200).text_at("/0/id")
}
