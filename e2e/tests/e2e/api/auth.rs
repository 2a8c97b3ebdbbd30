//! `/api/auth`

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture};

use crate::support::{members, unknown};

#[rstest]
#[tokio::test]
async fn a_browser_signs_in_looks_and_signs_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (ada, origin) = (fixture.ada(), fixture.url());
    let body = json!({ "email": ada.email, "password": ada.password });
    let call = fixture
        .post("/api/auth/sign-in")
        .origin(origin)
        .json(body.clone());
    let answer = call.send().await.expect(200);
    let cookie = answer.session_cookie().unwrap();
    let (_, attributes) = answer.header("set-cookie").split_once(';').unwrap();
    assert_eq!(
        attributes,
        " Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax"
    );
    let acme = json!({ "id": fixture.acme(), "name": "Acme", "role": "OWNER" });
    let user = json!({ "id": ada.id, "email": ada.email, "firstName": "Ada", "lastName": null });
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "user": user, "organization": acme })
    );

    let session = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await
        .expect(200);
    let shown = session.json();
    assert_eq!(
        members(&shown),
        ["organization", "organizations", "plan", "user"]
    );
    assert_eq!((&shown["user"], &shown["organization"]), (&user, &acme));
    assert_eq!(shown["organizations"].as_array().unwrap().len(), 2);
    assert_eq!(shown["plan"]["name"], "team");
    assert_eq!(shown["plan"]["features"], json!(["agents"]));
    assert_eq!(session.session_cookie(), None);

    // Nobody is signed in or out from elsewhere.
    for wrong in [None, Some("null"), Some("https://evil.example")] {
        for (path, body) in [
            ("/api/auth/sign-in", &body),
            ("/api/auth/sign-out", &json!({})),
        ] {
            let mut call = fixture.post(path).cookie(&cookie).json(body.clone());
            if let Some(wrong) = wrong {
                call = call.origin(wrong);
            }
            let refused = call.send().await.expect(403);
            assert_eq!(refused.reason(), "csrf_origin_mismatch");
            assert_eq!(refused.session_cookie(), None);
        }
    }
    let call = fixture
        .post("/api/auth/sign-out")
        .cookie(&cookie)
        .origin(origin);
    let out = call.send().await.expect(200);
    assert_eq!(out.session_cookie().unwrap(), "");
    let refused = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await
        .expect(401);
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
    // Signed out already, or never in: it is done.
    for cookie in [cookie.as_str(), "junk"] {
        let call = fixture
            .post("/api/auth/sign-out")
            .cookie(cookie)
            .origin(origin);
        call.send().await.expect(200);
    }
}

#[rstest]
#[tokio::test]
async fn a_switch_replaces_the_cookie_and_what_it_opens(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let origin = fixture.url();
    let switch = |cookie: &str, id: &str| {
        let call = fixture
            .post("/api/auth/switch-org")
            .cookie(cookie)
            .origin(origin);
        let call = call.json(json!({ "organizationId": id }));
        async move { call.send().await }
    };
    let old = fixture.cookie_of(&fixture.ada()).await;
    // Where one is already, too: a new value.
    let here = switch(&old, fixture.acme())
        .await
        .expect(200)
        .session_cookie()
        .unwrap();
    let refused = fixture.get("/api/auth/session").cookie(&old).send().await;
    refused.expect(401);
    let there = switch(&here, fixture.globex())
        .await
        .expect(200)
        .session_cookie()
        .unwrap();
    let session = fixture
        .get("/api/auth/session")
        .cookie(&there)
        .send()
        .await
        .expect(200);
    assert_eq!(session.text_at("/organization/id"), fixture.globex());
    assert_eq!(session.text_at("/plan/name"), "free");
    fixture
        .get("/api/auth/session")
        .cookie(&here)
        .send()
        .await
        .expect(401);

    // No member there, and no such organisation; the cookie stays what it was.
    let bob = fixture.cookie_of(&fixture.bob()).await;
    let mut bodies = Vec::new();
    for id in [fixture.globex().to_owned(), unknown("tenant")] {
        let refused = switch(&bob, &id).await.expect(404);
        assert_eq!(refused.session_cookie(), None);
        let mut body = refused.json();
        body["request_id"].take();
        bodies.push(body);
    }
    assert_eq!(bodies[0], bodies[1]);
    fixture
        .get("/api/auth/session")
        .cookie(&bob)
        .send()
        .await
        .expect(200);
    // A key has no organisation to switch.
    let body = json!({ "organizationId": fixture.globex() });
    let call = fixture
        .post("/api/auth/switch-org")
        .bearer(fixture.key())
        .json(body);
    assert_eq!(
        call.send().await.expect(403).reason(),
        "credential_kind_not_accepted"
    );
}
