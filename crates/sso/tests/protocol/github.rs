//! GitHub, played on loopback.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use rstest::rstest;
use serde_json::{Value, json};
use vestibule_outbound::{Config, FixedResolver, Outbound};
use vestibule_sso::callback::Callback;
use vestibule_sso::github::{GithubConnection, GithubProvider, GithubSite};
use vestibule_sso::oidc::logout::LogoutRequest;
use vestibule_sso::{Identity, Party, PlainClientSecret, Provider as _, SignInRequest, SsoRefusal};

struct Script {
    token: Value,
    user: Value,
    emails: Value,
    /// Changes the query of the callback.
    callback: fn(String) -> String,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            token: json!({"access_token": "gho_x", "token_type": "bearer", "scope": "read:user,user:email"}),
            user: json!({"id": 583_231, "login": "octocat", "name": "The Octocat", "email": "public@example.com"}),
            emails: json!([
                {"email": "spam@example.com", "primary": false, "verified": true},
                {"email": "octocat@example.com", "primary": true, "verified": true},
            ]),
            callback: |query| query,
        }
    }
}

async fn answer(
    State(script): State<Arc<Script>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value == "Bearer gho_x");
    assert!(
        headers.contains_key(header::USER_AGENT),
        "GitHub demands one"
    );
    let body = match uri.path() {
        "/login/oauth/access_token" => {
            let sent: HashMap<_, _> = form_urlencoded::parse(body.as_bytes()).collect();
            assert_eq!(sent["client_secret"], "secret");
            assert_eq!(sent["code_verifier"].len(), 43);
            if script.token == "404" {
                return StatusCode::NOT_FOUND.into_response();
            }
            &script.token
        }
        "/user" if bearer => &script.user,
        "/user/emails" if bearer => &script.emails,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

async fn provider(script: Script) -> (GithubProvider, Arc<Script>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let script = Arc::new(script);
    let app = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&script));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let config = Config::default().allow_loopback();
    let outbound = Outbound::new(config, Arc::new(FixedResolver::new())).unwrap();
    let connection = GithubConnection {
        organization: "tenant_1".to_owned(),
        site: GithubSite {
            issuer: base.clone(),
            api: base,
        },
        client_id: "client".to_owned(),
        client_secret: PlainClientSecret::new("secret"),
    };
    (
        GithubProvider::new(Party::new(outbound), connection),
        script,
    )
}

async fn sign_in(script: Script) -> Result<Identity, SsoRefusal> {
    let (provider, script) = provider(script).await;
    let request = SignInRequest {
        redirect_uri: "https://auth.example.com/callback".to_owned(),
        ..SignInRequest::default()
    };
    let begun = provider.start(&request).await?;
    assert!(begun.url.contains("/login/oauth/authorize?"));
    let query = format!("code=c1&state={}", begun.pending.state.expose());
    let callback = Callback::read(&(script.callback)(query))?;
    provider.finish(&begun.pending, callback).await
}

#[tokio::test]
async fn a_person_is_known_by_number_and_primary_address() {
    let identity = sign_in(Script::default()).await.unwrap();
    assert_eq!(identity.subject, "583231");
    assert_eq!(
        identity.verified_email().unwrap().address().as_str(),
        "octocat@example.com"
    );
    assert_eq!(identity.name.as_deref(), Some("The Octocat"));
    assert_eq!(identity.claims["email"], "octocat@example.com");
}

#[rstest]
#[case::not_verified(json!([{"email": "a@x.example", "primary": true, "verified": false}]), Some("a@x.example"))]
#[case::verified_in_words(json!([{"email": "a@x.example", "primary": true, "verified": "true"}]), Some("a@x.example"))]
#[case::another_one_verified(json!([{"email": "a@x.example", "primary": true, "verified": false}, {"email": "b@x.example", "primary": false, "verified": true}]), Some("a@x.example"))]
#[case::none_primary(json!([{"email": "a@x.example", "primary": false, "verified": true}]), None)]
#[case::none(json!([]), None)]
#[tokio::test]
async fn an_address_that_was_not_proved_leads_to_no_account(
    #[case] emails: Value,
    #[case] told: Option<&str>,
) {
    let identity = sign_in(Script {
        emails,
        ..Script::default()
    })
    .await
    .unwrap();
    assert_eq!(identity.verified_email(), None);
    assert_eq!(
        identity.email.as_ref().map(|email| email.address.as_str()),
        told
    );
}

#[rstest]
#[case::an_error_with_success(|s: &mut Script| s.token = json!({"error": "bad_verification_code"}), "token_refused")]
#[case::another_token_type(|s: &mut Script| s.token["token_type"] = json!("mac"), "token_type")]
#[case::a_scope_unchecked(|s: &mut Script| s.token["scope"] = json!("read:user"), "scope_missing")]
#[case::no_number(|s: &mut Script| s.user = json!({"login": "octocat"}), "mistyped")]
#[case::a_number_as_text(|s: &mut Script| s.user["id"] = json!("583231"), "mistyped")]
#[case::number_zero(|s: &mut Script| s.user["id"] = json!(0), "mistyped")]
#[case::a_fraction(|s: &mut Script| s.user["id"] = json!(1.5), "mistyped")]
#[case::two_primary_addresses(|s: &mut Script| s.emails[0]["primary"] = json!(true), "mistyped")]
#[case::no_list_of_addresses(|s: &mut Script| s.emails = json!({"message": "no"}), "mistyped")]
#[case::an_address_that_is_none(|s: &mut Script| s.emails[1]["email"] = json!(["a@x.example"]), "mistyped")]
#[case::no_state(|s: &mut Script| s.callback = |_| "code=c1".to_owned(), "state_missing")]
#[case::another_state(|s: &mut Script| s.callback = |_| "code=c1&state=x".to_owned(), "state_mismatch")]
#[case::mixed_up(|s: &mut Script| s.callback = |query| query + "&iss=https://x.example", "callback_issuer")]
#[case::denied(|s: &mut Script| s.callback = |query| query + "&error=access_denied", "provider_error")]
#[tokio::test]
async fn answers_that_mislead_are_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let mut script = Script::default();
    misbehave(&mut script);
    let refusal = sign_in(script).await.unwrap_err();
    assert_eq!(refusal.reason(), expected, "{refusal}");
}

#[tokio::test]
async fn what_github_does_not_do_is_said() {
    let (provider, _) = provider(Script::default()).await;
    assert_eq!(
        provider.logout_url(&LogoutRequest::default()).await,
        Ok(None)
    );
    assert_eq!(
        provider.logout_token("x").await.unwrap_err().reason(),
        "unsupported"
    );
    assert!(provider.preflight().await.iter().all(|check| check.passed));
}

#[rstest]
#[case::taken(json!({"error": "bad_verification_code"}), None)]
#[case::another_secret(json!({"error": "incorrect_client_credentials"}), Some("token_refused"))]
#[case::another_client(json!("404"), Some("client_unknown"))]
#[tokio::test]
async fn a_wrong_id_or_secret_is_told_before_anybody_signs_in(
    #[case] token: Value,
    #[case] clause: Option<&str>,
) {
    let script = Script {
        token,
        ..Script::default()
    };
    let checks = provider(script).await.0.preflight().await;
    let check = checks.iter().find(|it| it.name == "credentials").unwrap();
    assert_eq!((check.passed, check.clause), (clause.is_none(), clause));
}
