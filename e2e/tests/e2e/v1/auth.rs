//! `/v1/auth`

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture, Setup};

use crate::support::unknown;

async fn refresh(fixture: &Fixture, token: &str) -> Answer {
    fixture.post("/v1/auth/uat").bearer(token).send().await
}

async fn me(fixture: &Fixture, token: &str) -> Answer {
    fixture.get("/v1/users/me").bearer(token).send().await
}

#[rstest]
#[tokio::test]
async fn all_tokens_of_a_session_end_with_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let first = fixture.token_of(&fixture.ada()).await;
    let second = refresh(&fixture, &first)
        .await
        .expect(200)
        .text_at("/access_token");
    let other_session = fixture.token_of(&fixture.ada()).await;
    // The presented token keeps its own life; a repeated refresh gives the same successor.
    let again = refresh(&fixture, &first)
        .await
        .expect(200)
        .text_at("/access_token");
    assert_eq!(again, second);
    fixture
        .post("/v1/auth/signout")
        .bearer(&second)
        .send()
        .await
        .expect(200);
    for token in [&first, &second] {
        let refused = me(&fixture, token).await.expect(401);
        assert_eq!(
            refused.header("www-authenticate"),
            "Bearer error=\"invalid_token\""
        );
        refresh(&fixture, token).await.expect(401);
    }
    me(&fixture, &other_session).await.expect(200);
    // Signing out is done whoever asks for it.
    for token in [first.as_str(), "junk"] {
        let call = fixture.post("/v1/auth/signout").bearer(token);
        assert_eq!(call.send().await.expect(200).json(), json!({}));
    }
    let out = fixture.post("/v1/auth/signout").send().await.expect(200);
    assert_eq!(out.json(), json!({}));
}

#[rstest]
#[tokio::test]
async fn a_refresh_may_switch_to_another_organisation_of_the_user_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let token = fixture.token_of(&fixture.ada()).await;
    let body = json!({ "tenant_id": fixture.globex() });
    let call = fixture
        .post("/v1/auth/uat")
        .bearer(&token)
        .json(body.clone());
    let switched = call.send().await.expect(200);
    assert_eq!(switched.text_at("/current_tenant_id"), fixture.globex());
    let there = switched.text_at("/access_token");
    assert_eq!(
        me(&fixture, &there)
            .await
            .expect(200)
            .text_at("/current_tenant_id"),
        fixture.globex()
    );
    // The token it was asked with stays where it was.
    assert_eq!(
        me(&fixture, &token)
            .await
            .expect(200)
            .text_at("/current_tenant_id"),
        fixture.acme()
    );
    let query = format!("/v1/auth/uat?tenant_id={}", fixture.acme());
    let back = fixture.post(&query).bearer(&there).send().await.expect(200);
    assert_eq!(back.text_at("/current_tenant_id"), fixture.acme());
    // Named twice, and not the same.
    let call = fixture.post(&query).bearer(&there).json(body.clone());
    assert_eq!(call.send().await.expect(422).reason(), "ambiguous_field");

    // Not a member, and no such organisation: the same.
    let bob = fixture.token_of(&fixture.bob()).await;
    let mut answers = Vec::new();
    for id in [fixture.globex().to_owned(), unknown("tenant")] {
        let call = fixture.post("/v1/auth/uat").bearer(&bob);
        let refused = call
            .json(json!({ "tenant_id": id }))
            .send()
            .await
            .expect(404)
            .json();
        answers.push((refused["detail"].clone(), refused["reason"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    // A key is no sign-in.
    let refused = refresh(&fixture, fixture.key()).await.expect(403);
    assert_eq!(refused.reason(), "credential_kind_not_accepted");
}

/// Whatever is wrong with a sign-in, the answer is the same.
#[rstest]
#[tokio::test]
async fn a_failed_sign_in_does_not_tell_why(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (ada, bob) = (fixture.ada(), fixture.bob());
    let suspended = fixture
        .newcomer("eve@example.com", fixture.acme(), "USER")
        .await;
    fixture
        .cli_json(&["user", "suspend", "eve@example.com", "--yes"])
        .await;
    let bodies = [
        json!({ "email": ada.email, "password": "wrong" }),
        json!({ "email": "nobody@example.com", "password": "wrong" }),
        json!({ "email": suspended.email, "password": suspended.password }),
        json!({ "email": bob.email, "password": bob.password, "tenant_id": fixture.globex() }),
        json!({ "email": bob.email, "password": bob.password, "tenant_id": unknown("tenant") }),
        json!({ "username": ada.email, "password": bob.password }),
    ];
    let mut answers = Vec::new();
    for body in bodies {
        let answer = fixture
            .post("/v1/auth/pw/signin")
            .json(body)
            .send()
            .await
            .expect(401);
        assert_eq!(answer.reason(), "bad_credentials");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let mut body = answer.json();
        body["request_id"].take();
        answers.push(body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // The address in any case, and the organisation by its UUID.
    let body = json!({ "username": "ADA@Example.COM", "password": ada.password });
    fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(200);
}

#[rstest]
#[tokio::test]
async fn sign_ins_are_limited_by_user_and_by_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend)
        .with("LIMITS__SIGN_IN_PER_EMAIL_PER_MINUTE", "2")
        .with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "5");
    let fixture = setup.start().await;
    let sign_in = |email: String| {
        let body = json!({ "email": email, "password": "wrong" });
        let call = fixture.post("/v1/auth/pw/signin").json(body);
        async move { call.send().await }
    };
    for _ in 0..2 {
        sign_in(fixture.ada().email).await.expect(401);
    }
    let limited = sign_in(fixture.ada().email).await.expect(429);
    assert_eq!(limited.reason(), "too_many_requests");
    assert_eq!(limited.json()["code"], "too_many_requests");
    let seconds: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert_eq!(
        limited.header("ratelimit-policy"),
        "\"sign_ins_per_email\";q=2;w=60"
    );
    assert!(
        limited
            .header("ratelimit")
            .starts_with("\"sign_ins_per_email\";r=0;t=")
    );
    // The same for somebody who does not exist.
    sign_in("nobody@example.com".to_owned()).await.expect(401);
    sign_in("nobody@example.com".to_owned()).await.expect(401);
    // The sixth from this address, whoever it is for; and in the browser's dialect.
    let limited = sign_in("somebody@example.com".to_owned()).await.expect(429);
    assert!(
        limited
            .header("ratelimit")
            .starts_with("\"sign_ins_per_address\";r=0;t=")
    );
    let body = json!({ "email": fixture.bob().email, "password": fixture.bob().password });
    let call = fixture
        .post("/api/auth/sign-in")
        .origin(fixture.url())
        .json(body);
    let limited = call.send().await.expect(429);
    assert!(limited.json()["error"].is_string());
    assert!(!limited.header("retry-after").is_empty());
    // Who is signed in is not kept out.
    me(&fixture, fixture.key()).await.expect(200);
}

/// A token ends by itself, and the refused caller learns what to do.
#[rstest]
#[tokio::test]
async fn an_expired_token_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("SESSIONS__ACCESS_TOKEN", "2s");
    let fixture = setup.start().await;
    let token = fixture.token_of(&fixture.ada()).await;
    me(&fixture, &token).await.expect(200);
    let began = std::time::Instant::now();
    let refused = loop {
        let answer = me(&fixture, &token).await;
        if answer.status == 401 {
            break answer;
        }
        assert!(began.elapsed().as_secs() < 5, "still good");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(refused.reason(), "token_expired");
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
    refresh(&fixture, &token).await.expect(401);
}
