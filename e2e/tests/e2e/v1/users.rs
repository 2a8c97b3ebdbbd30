//! `/v1/users`

use rstest::rstest;
use vestibule_e2e::{Backend, Fixture};

use crate::support::members;

#[rstest]
#[tokio::test]
async fn everybody_sees_who_they_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let bob = fixture.token_of(&fixture.bob()).await;
    for (bearer, person, role) in [
        (&*bob, fixture.bob(), "USER"),
        (fixture.key(), fixture.ada(), "OWNER"),
    ] {
        let me = fixture
            .get("/v1/users/me")
            .bearer(bearer)
            .send()
            .await
            .expect(200);
        let body = me.json();
        let required = [
            "current_tenant_id",
            "current_tenant_role",
            "default_tenant_id",
            "email",
            "first_name",
            "id",
            "idp_type",
            "join_method",
            "language_preference",
            "last_name",
        ];
        assert_eq!(members(&body), required);
        assert_eq!(body["id"], *person.id);
        assert_eq!(body["email"], *person.email);
        assert_eq!(body["current_tenant_id"], fixture.acme());
        assert_eq!(body["current_tenant_role"], role);
        assert_eq!(me.header("cache-control"), "no-store");
    }
    fixture
        .get("/v1/users/me?all=1")
        .bearer(&bob)
        .send()
        .await
        .expect(422);
    // The cookie is the other dialect's.
    let cookie = fixture.cookie_of(&fixture.bob()).await;
    let refused = fixture
        .get("/v1/users/me")
        .cookie(&cookie)
        .send()
        .await
        .expect(401);
    assert_eq!(refused.reason(), "no_credential");
    let refused = fixture
        .get("/v1/users/me")
        .bearer(&cookie)
        .send()
        .await
        .expect(401);
    assert_eq!(refused.reason(), "wrong_credential_kind");
}
