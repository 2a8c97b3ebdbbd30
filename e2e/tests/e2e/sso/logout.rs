//! Signing out at the provider, and by it.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture};

use super::{APP, CLEO, cookie_of, fixture, token_of};

const FORM: &str = "application/x-www-form-urlencoded";

/// The provider's word that somebody has signed out.
async fn logout_token(fixture: &Fixture, email: &str) -> String {
    let call = fixture.beside("POST", &format!("{}/logout-token", fixture.idp_url()));
    let answer = call.body(FORM, format!("email={email}")).send().await;
    answer.expect(200).text_at("/logout_token")
}

async fn send(fixture: &Fixture, body: &str) -> Answer {
    let path = format!(
        "/v1/auth/sso/backchannel-logout/{}",
        fixture.sso_connection()
    );
    fixture.post(&path).body(FORM, body).send().await
}

#[rstest]
#[tokio::test]
async fn the_provider_ends_the_sessions_of_somebody_who_signed_out_there(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let token = token_of(&fixture, CLEO).await;
    let cookie = cookie_of(&fixture, CLEO).await;
    let other = token_of(&fixture, "bob@example.com").await;
    let by_token = async |token: &str| fixture.get("/v1/users/me").bearer(token).send().await;
    let by_cookie = async || {
        fixture
            .get("/api/auth/session")
            .cookie(&cookie)
            .send()
            .await
    };
    by_token(&token).await.expect(200);
    by_cookie().await.expect(200);

    let good = logout_token(&fixture, CLEO).await;
    let (rest, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = rest.split_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    for (what, body) in [
        ("nothing", String::new()),
        ("no token", "logout_token=".to_owned()),
        ("no JWT", "logout_token=abc".to_owned()),
        (
            "another signature",
            format!("logout_token={rest}.{flipped}"),
        ),
        ("no signature", format!("logout_token={rest}.")),
        (
            "other claims",
            format!("logout_token={header}.{}.{signature}", &claims[4..]),
        ),
        ("an access token of ours", format!("logout_token={token}")),
        ("twice", format!("logout_token={good}&logout_token={good}")),
        ("under another name", format!("token={good}")),
    ] {
        let refused = send(&fixture, &body).await;
        assert_eq!(refused.status, 400, "{what}: {}", refused.text);
        assert_eq!(refused.reason(), "logout_token_refused", "{what}");
    }
    let elsewhere = "/v1/auth/sso/backchannel-logout/connection_01jhmpfn80e48s5s0q7b7cwx5e";
    let call = fixture.post(elsewhere);
    let lost = call.body(FORM, format!("logout_token={good}")).send().await;
    lost.expect(404);
    by_token(&token).await.expect(200);
    by_cookie().await.expect(200);

    let heeded = send(&fixture, &format!("logout_token={good}")).await;
    assert_eq!(heeded.expect(200).header("cache-control"), "no-store");
    by_token(&token).await.expect(401);
    by_cookie().await.expect(401);
    by_token(&other).await.expect(200);

    // Each counts once: a session that begins afterwards is not ended by the same one.
    let token = token_of(&fixture, CLEO).await;
    let again = send(&fixture, &format!("logout_token={good}")).await;
    again.expect(400);
    by_token(&token).await.expect(200);
}

#[rstest]
#[tokio::test]
async fn signing_out_here_leads_to_the_provider_and_back_to_a_registered_uri(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let token = token_of(&fixture, CLEO).await;
    let call = fixture.post("/v1/auth/signout").bearer(&token);
    let url = call.send().await.expect(200);
    let url = url.text_at("/provider_sign_out_url");
    let there = format!("{}/end-session?", fixture.idp_url());
    assert!(
        url.starts_with(&there) && url.contains("id_token_hint="),
        "{url}"
    );
    assert!(!url.contains("post_logout_redirect_uri"), "{url}");
    let page = fixture.beside("GET", &url).send().await.expect(200);
    assert!(page.text.contains("You are signed out"), "{}", page.text);

    // Where to go on afterwards: what is registered, and nothing else.
    let token = token_of(&fixture, CLEO).await;
    let sign_out = async |uri: &str| {
        let call = fixture.post("/v1/auth/signout").bearer(&token);
        let body = json!({ "post_logout_redirect_uri": uri });
        call.json(body).send().await
    };
    for wrong in ["https://evil.example/", &format!("{APP}/"), "", "/"] {
        let refused = sign_out(wrong).await.expect(422);
        assert!(refused.text.contains("post_logout_redirect_uri"));
    }
    // A refusal ends nothing.
    let me = fixture.get("/v1/users/me").bearer(&token).send().await;
    me.expect(200);
    let url = sign_out(APP).await.expect(200);
    let url = url.text_at("/provider_sign_out_url");
    let expected = "post_logout_redirect_uri=https%3A%2F%2Fyour-app.com%2Fauth%2Fcallback";
    assert!(url.contains(expected), "{url}");
    let me = fixture.get("/v1/users/me").bearer(&token).send().await;
    me.expect(401);
    let page = fixture.beside("GET", &url).send().await.expect(200);
    assert!(page.text.contains(APP), "{}", page.text);

    let cookie = cookie_of(&fixture, CLEO).await;
    let call = fixture.post("/api/auth/sign-out").cookie(&cookie);
    let body = json!({ "postLogoutRedirectUri": "https://evil.example/" });
    let refused = call.origin(fixture.url()).json(body).send().await;
    let refused = refused.expect(400);
    let text = &refused.text;
    assert!(text.contains("postLogoutRedirectUri"), "{text}");
    assert!(!text.contains("post_logout_redirect_uri"), "{text}");
    let call = fixture.post("/api/auth/sign-out").cookie(&cookie);
    let body = json!({ "postLogoutRedirectUri": APP });
    let url = call
        .origin(fixture.url())
        .json(body)
        .send()
        .await
        .expect(200);
    assert!(url.text.contains(expected), "{}", url.text);

    // Whoever has no session by a provider has nothing to come back from.
    let token = fixture.token_of(&fixture.ada()).await;
    let call = fixture.post("/v1/auth/signout").bearer(&token);
    let body = json!({ "post_logout_redirect_uri": APP });
    let done = call.json(body).send().await.expect(200);
    assert!(
        !done.text.contains("provider_sign_out_url"),
        "{}",
        done.text
    );
}
