//! Single sign-on, demanded: whose sessions end, and who has to stay.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture};

use super::{CLEO, cookie_of, fixture, token_of};

/// Demands single sign-on of everybody but Ada.
async fn enforce(fixture: &Fixture) {
    let body = json!({ "enforced": true, "break_glass": [fixture.ada().id] });
    let call = fixture.patch("/v1/sso/policy").bearer(fixture.key());
    call.json(body).send().await.expect(200);
}

async fn by_token(fixture: &Fixture, token: &str) -> Answer {
    fixture.get("/v1/users/me").bearer(token).send().await
}

async fn by_cookie(fixture: &Fixture, cookie: &str) -> Answer {
    fixture.get("/api/auth/session").cookie(cookie).send().await
}

#[rstest]
#[tokio::test]
async fn sessions_that_a_password_started_end_with_the_next_request(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let (ada, bob) = (fixture.ada(), fixture.bob());
    let (token, cookie) = (fixture.token_of(&bob).await, fixture.cookie_of(&bob).await);
    let exempt = fixture.token_of(&ada).await;
    let provided = (
        token_of(&fixture, CLEO).await,
        cookie_of(&fixture, CLEO).await,
    );
    by_token(&fixture, &token).await.expect(200);
    by_cookie(&fixture, &cookie).await.expect(200);

    enforce(&fixture).await;
    by_token(&fixture, &token).await.expect(401);
    by_cookie(&fixture, &cookie).await.expect(401);
    let refresh = fixture.post("/v1/auth/uat").bearer(&token).send().await;
    refresh.expect(401);
    // Owners for the day when the provider is away, keys, and who came by the provider.
    by_token(&fixture, &exempt).await.expect(200);
    by_token(&fixture, fixture.key()).await.expect(200);
    by_token(&fixture, &provided.0).await.expect(200);
    by_cookie(&fixture, &provided.1).await.expect(200);
    let audit = fixture.audit(fixture.acme()).await;
    let enforced = audit.iter().find(|it| it["kind"] == "sso.enforced");
    let details = &enforced.unwrap()["details"];
    assert_eq!(details["sessions_ended"], 2, "{details}");
}

#[rstest]
#[tokio::test]
async fn the_last_break_glass_owner_stays_at_every_door(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = fixture(backend).await;
    let (ada, bob) = (fixture.ada(), fixture.bob());
    let promote = ["member", "role", "Acme", &bob.email, "OWNER"];
    fixture.cli_json(&promote).await;
    enforce(&fixture).await;

    // By another owner, on the pages.
    let cookie = cookie_of(&fixture, &bob.email).await;
    let path = format!("/organization/{}/members/{}", fixture.acme(), ada.id);
    let form = async |fields: &str| {
        let call = fixture.post(&path).origin(fixture.url()).cookie(&cookie);
        let body = format!("organization={}&{fields}", fixture.acme());
        let kind = "application/x-www-form-urlencoded";
        call.body(kind, body).send().await
    };
    for fields in ["act=role&role=ADMIN", "act=deactivate", "act=remove"] {
        let refused = form(fields).await.expect(409);
        assert!(refused.text.contains("break-glass owner"), "{fields}");
    }

    // By the operator.
    for verb in [
        &["role", "Acme", &ada.email, "ADMIN"][..],
        &["deactivate", "Acme", &ada.email, "--yes"],
        &["remove", "Acme", &ada.email, "--yes"],
    ] {
        let refused = fixture.cli(&[&["member"][..], verb].concat()).await;
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success(), "{said}");
        assert!(said.contains("break-glass owner"), "{said}");
    }

    let both = json!({ "break_glass": [ada.id, bob.id] });
    let call = fixture.patch("/v1/sso/policy").bearer(fixture.key());
    call.json(both).send().await.expect(200);
    form("act=role&role=ADMIN").await.expect(303);
}
