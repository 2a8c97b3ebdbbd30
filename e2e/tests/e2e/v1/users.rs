//! `/v1/users`

use rstest::rstest;
use vestibule_e2e::{Backend, House};

use crate::support::members;

#[rstest]
#[tokio::test]
async fn everybody_sees_who_they_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let house = House::start(backend).await;
    let bob = house.token_of(&house.bob()).await;
    for (bearer, person, role) in [
        (&*bob, house.bob(), "USER"),
        (house.key(), house.ada(), "OWNER"),
    ] {
        let me = house
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
        assert_eq!(body["current_tenant_id"], house.acme());
        assert_eq!(body["current_tenant_role"], role);
        assert_eq!(me.header("cache-control"), "no-store");
    }
    house
        .get("/v1/users/me?all=1")
        .bearer(&bob)
        .send()
        .await
        .expect(422);
    // The cookie is the other dialect's.
    let cookie = house.cookie_of(&house.bob()).await;
    let refused = house
        .get("/v1/users/me")
        .cookie(&cookie)
        .send()
        .await
        .expect(401);
    assert_eq!(refused.reason(), "no_credential");
    let refused = house
        .get("/v1/users/me")
        .bearer(&cookie)
        .send()
        .await
        .expect(401);
    assert_eq!(refused.reason(), "wrong_credential_kind");
}
