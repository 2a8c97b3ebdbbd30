//! Credentials that somebody has touched.

use rstest::rstest;
use vestibule_e2e::{Answer, Backend, Fixture};

use super::{anonymous, is_problem};

async fn with(fixture: &Fixture, bearer: &str) -> Answer {
    fixture.get("/v1/users/me").bearer(bearer).send().await
}

#[track_caller]
fn is_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text);
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"invalid_token\"",
        "{what}"
    );
}

/// The text with one character replaced by another of the same alphabet.
fn altered(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[rstest]
#[tokio::test]
async fn a_token_that_was_altered_anywhere_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let token = fixture.token_of(&fixture.bob()).await;
    with(&fixture, &token).await.expect(200);
    // Every fifth character, and all near the borders of the three parts.
    let dots: Vec<_> = token.match_indices('.').map(|(at, _)| at).collect();
    let near = |at: usize| dots.iter().any(|dot| dot.abs_diff(at) <= 3) || at + 4 > token.len();
    for at in (0..token.len()).filter(|at| at % 5 == 0 || near(*at)) {
        let answer = with(&fixture, &altered(&token, at)).await;
        is_refused(&answer, &format!("altered at {at}"));
    }
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}");
    };
    let none = "eyJhbGciOiJub25lIn0"; // {"alg":"none"}
    let other = fixture.token_of(&fixture.ada()).await;
    let other_claims = other.split('.').nth(1).unwrap();
    for forged in [
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{other_claims}.{signature}"),
        format!("{token}="),
        format!("{token}.x"),
        format!("{token}A"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}\u{fffd}"),
        format!("{header}.{}.{signature}", "A".repeat(9_000)),
        "eyJ..".to_owned(),
        "...".to_owned(),
    ] {
        let answer = with(&fixture, &forged).await;
        is_refused(&answer, &forged);
        is_problem(&answer, false);
        assert!(!answer.text.contains(signature));
    }
    with(&fixture, &token).await.expect(200);
}

#[rstest]
#[tokio::test]
async fn a_key_that_was_altered_anywhere_is_refused_before_it_is_looked_up(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let key = fixture.key();
    for at in 0..key.len() {
        let answer = with(&fixture, &altered(key, at)).await;
        is_refused(&answer, &format!("altered at {at}"));
        if at >= "ks_live_".len() {
            assert_eq!(answer.reason(), "bad_checksum", "altered at {at}");
        }
    }
    let shorter = &key[..key.len() - 1];
    for wrong in [
        shorter,
        &format!("{key}a"),
        &format!("{key}{key}"),
        &key.to_uppercase(),
        "ks_live_",
        "x",
        &"x".repeat(9_000),
    ] {
        is_refused(&with(&fixture, wrong).await, wrong);
    }
    // A test key, or a session, of the same letters.
    for frame in ["ks_test_", "ks_sess_"] {
        is_refused(
            &with(&fixture, &key.replace("ks_live_", frame)).await,
            frame,
        );
    }
    with(&fixture, key).await.expect(200);

    let cookie = fixture.cookie_of(&fixture.bob()).await;
    let session = |cookie: &str| {
        let call = fixture.get("/api/auth/session").cookie(cookie);
        async move { call.send().await }
    };
    for at in (0..cookie.len()).step_by(3) {
        is_refused(&session(&altered(&cookie, at)).await, "the cookie");
    }
    let answer = session(key).await;
    is_refused(&answer, "a key as a cookie");
    is_problem(&answer, true);
    session(&cookie).await.expect(200);
}

#[rstest]
#[tokio::test]
async fn of_two_credentials_the_bearer_counts_and_must_be_good(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (ada, bob) = (fixture.ada(), fixture.bob());
    let token = fixture.token_of(&ada).await;
    let cookie = fixture.cookie_of(&bob).await;
    let session = || fixture.get("/api/auth/session");
    let both = session()
        .bearer(&token)
        .cookie(&cookie)
        .send()
        .await
        .expect(200);
    assert_eq!(both.text_at("/user/id"), ada.id);
    let both = session()
        .bearer(&token)
        .cookie("junk")
        .send()
        .await
        .expect(200);
    assert_eq!(both.text_at("/user/id"), ada.id);
    is_refused(
        &session().bearer("junk").cookie(&cookie).send().await,
        "a junk bearer",
    );
    is_refused(
        &session().bearer("").cookie(&cookie).send().await,
        "an empty bearer",
    );
    is_refused(
        &session()
            .header("authorization", "Basic YTpi")
            .cookie(&cookie)
            .send()
            .await,
        "Basic",
    );

    let twice = session().bearer(&token).bearer(&token).send().await;
    is_refused(&twice, "two headers");
    assert_eq!(twice.reason(), "duplicate_credential");
    let twice = session().cookie(&cookie).cookie(&cookie).send().await;
    assert_eq!(twice.reason(), "duplicate_credential");
    let pair = format!("{cookie}; __Host-vestibule={cookie}");
    is_refused(&session().cookie(&pair).send().await, "two cookies");
    // Others' cookies are others' business; the name is ours in its one spelling.
    let others = format!("a=b; __Host-vestibule={cookie}; c=\"d\"");
    session().header("cookie", &others).send().await.expect(200);
    let other_name = format!("__host-vestibule={cookie}");
    session()
        .header("cookie", &other_name)
        .send()
        .await
        .expect(401);
    // The scheme in any case (RFC 9110, 11.1).
    let lower = session().header("authorization", &format!("bearer {token}"));
    lower.send().await.expect(200);
}

/// Nobody learns from an answer whether a key ever was, but by its whole text.
#[rstest]
#[tokio::test]
async fn unknown_credentials_have_one_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let other = Fixture::start(Backend::Sqlite).await;
    // Good elsewhere, and framed as ours are.
    let key = with(&fixture, other.key()).await.expect(401);
    assert_eq!(key.reason(), "unknown_credential");
    let token = other.token_of(&other.ada()).await;
    let token = with(&fixture, &token).await.expect(401);
    assert_eq!(token.reason(), "token_unknown_key");
    let cookie = other.cookie_of(&other.ada()).await;
    let call = fixture.get("/api/auth/session").cookie(&cookie);
    assert_eq!(call.send().await.expect(401).reason(), "unknown_credential");

    let (id, deleted) = crate::support::key(&fixture, None).await;
    fixture
        .delete(&format!("/v1/api-keys/{id}"))
        .bearer(fixture.key())
        .send()
        .await
        .expect(204);
    let holder = with(&fixture, &deleted).await.expect(401);
    assert_eq!(holder.reason(), "credential_revoked");
    let guess = with(&fixture, &altered(&deleted, 12)).await.expect(401);
    let nothing = with(&fixture, &altered(fixture.key(), 12))
        .await
        .expect(401);
    assert_eq!(anonymous(&guess), anonymous(&nothing));
}
