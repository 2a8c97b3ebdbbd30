//! `/v1/users`

use insta::{allow_duplicates, assert_json_snapshot};

use crate::fixture::Fixture;

#[tokio::test]
async fn any_credential_may_ask_who_it_is() {
    let fixture = Fixture::new().await;
    let credentials = [
        fixture.key(&fixture.engines, &fixture.grace).await,
        fixture.token("grace@example.com").await,
    ];
    for credential in credentials {
        let answer = fixture.get("/v1/users/me").bearer(&credential).send().await;
        allow_duplicates! {
        assert_json_snapshot!(answer.json(), {
            ".id" => "[user]", ".current_tenant_id" => "[engines]", ".default_tenant_id" => "[engines]",
        }, @r#"
        {
          "current_tenant_id": "[engines]",
          "current_tenant_role": "USER",
          "default_tenant_id": "[engines]",
          "email": "grace@example.com",
          "first_name": "Grace",
          "id": "[user]",
          "idp_type": "PASSWORD",
          "join_method": "ADDED",
          "language_preference": "en",
          "last_name": "Hopper"
        }
        "#);
        }
    }
    let stranger = fixture.get("/v1/users/me").send().await;
    assert_eq!(stranger.refusal(), (401, "no_credential".to_owned()));
}
