//! Answers to a narrowed key: itself, and nothing of its maker.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture};

use crate::support::{key, unknown};

const EXPIRES_AT: &str = "2099-01-01T00:00:00Z";

/// A key of the owner of both organisations, narrowed to one folder of the first; its id and text.
async fn partners_key(fixture: &Fixture) -> (String, String) {
    let body = json!({ "name": "partner", "expires_at": EXPIRES_AT, "grants": grants() });
    let call = fixture
        .post("/v1/api-keys")
        .bearer(fixture.key())
        .json(body);
    let created = call.send().await.expect(201);
    (created.text_at("/id"), created.text_at("/key"))
}

fn grants() -> Value {
    json!([{ "path": "/shared/reports", "capability": "READ_ONLY", "can_approve": false }])
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_is_told_its_owners_id_and_itself_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (id, partner) = partners_key(&fixture).await;
    let get = async |path: &str| fixture.get(path).bearer(&partner).send().await;
    let me = get("/v1/users/me").await.expect(200).json();
    assert_eq!(
        me,
        json!({
            "id": fixture.ada().id,
            "email": null,
            "first_name": null,
            "last_name": null,
            "idp_type": "PASSWORD",
            "current_tenant_id": fixture.acme(),
            "current_tenant_role": "USER",
            "default_tenant_id": fixture.acme(),
            "language_preference": "en",
            "join_method": "ADDED",
            "key": {
                "id": id, "name": "partner", "grants": grants(), "expires_at": EXPIRES_AT,
            },
        })
    );
    let session = get("/api/auth/session").await.expect(200).json();
    let acme = json!({ "id": fixture.acme(), "name": "Acme", "role": "USER" });
    assert_eq!(
        session,
        json!({
            "user": {
                "id": fixture.ada().id, "email": null, "firstName": null, "lastName": null,
            },
            "organization": acme,
            "organizations": [acme],
            "plan": { "name": "free", "features": [], "limits": {} },
            "key": {
                "id": id,
                "name": "partner",
                "grants": [{
                    "path": "/shared/reports", "capability": "READ_ONLY", "canApprove": false,
                }],
                "expiresAt": EXPIRES_AT,
            },
        })
    );
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_sees_its_own_organization_alone_without_plan_seats_and_role(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (_, partner) = partners_key(&fixture).await;
    let get = async |bearer: &str, path: &str| fixture.get(path).bearer(bearer).send().await;
    let own = format!("/v1/tenants/{}", fixture.acme());
    let told = get(&partner, &own).await.expect(200).json();
    let list = get(&partner, "/v1/tenants").await.expect(200).json();
    assert_eq!(list["items"], json!([told]));
    assert_eq!(list["total"], 1);
    let owners = get(fixture.key(), &own).await.expect(200).json();
    // What stands there in place of plan and seats does not depend on what they are.
    fixture.cli_json(&["plan", "set", "Acme", "free"]).await;
    assert_eq!(get(&partner, &own).await.expect(200).json(), told);
    for hidden in ["plan", "subscription_id", "seats", "role"] {
        assert_ne!(told[hidden], owners[hidden], "{hidden}");
    }
    assert_eq!(
        (&told["role"], &told["owner"]),
        (&json!("USER"), &Value::Null)
    );
    for same in ["id", "name", "settings", "created_at"] {
        assert_eq!(told[same], owners[same], "{same}");
    }
    // The maker's other organisation is not there, like one that never was.
    let other = get(&partner, &format!("/v1/tenants/{}", fixture.globex())).await;
    let none = get(&partner, &format!("/v1/tenants/{}", unknown("tenant"))).await;
    let bodies = [other.expect(404), none.expect(404)].map(|answer| {
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        body
    });
    assert_eq!(bodies[0], bodies[1]);
}

#[rstest]
#[tokio::test]
async fn every_key_can_ask_what_it_is_and_nobody_else_can(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let current = async |bearer: &str| {
        let call = fixture.get("/v1/api-keys/current").bearer(bearer);
        call.send().await
    };
    let (partner_id, partner) = partners_key(&fixture).await;
    let told = current(&partner).await.expect(200).json();
    assert_eq!(told["id"], *partner_id);
    assert_eq!(told["name"], "partner");
    assert_eq!(told["key_suffix"], partner[partner.len() - 4..]);
    assert_eq!(told["expires_at"], EXPIRES_AT);
    assert_eq!(told["grants"], grants());

    let (wide_id, wide) = key(&fixture, None).await;
    let told = current(&wide).await.expect(200).json();
    assert_eq!(told["id"], *wide_id);
    assert!(told.get("grants").is_none(), "{told}");
    // The same as its owner sees of it.
    let path = format!("/v1/api-keys/{wide_id}");
    let listed = fixture.get(&path).bearer(fixture.key()).send().await;
    let listed = listed.expect(200).json();
    for same in ["id", "name", "key_suffix", "created_at", "expires_at"] {
        assert_eq!(told[same], listed[same], "{same}");
    }

    let token = fixture.token_of(&fixture.ada()).await;
    let refused = current(&token).await.expect(404);
    assert_eq!(refused.reason(), "not_found");
    let gone = fixture.delete(&path).bearer(&token).send().await;
    gone.expect(204);
    let refused = current(&wide).await.expect(401);
    assert_eq!(refused.reason(), "credential_revoked");
    // It is no id: nothing can be done to it by this name.
    let call = fixture.delete("/v1/api-keys/current").bearer(&partner);
    assert_eq!(call.send().await.expect(405).header("allow"), "GET, HEAD");
}
