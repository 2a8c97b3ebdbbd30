//! `/v1/tenants`

use http::StatusCode;
use insta::assert_json_snapshot;
use rstest::rstest;

use crate::fixture::Fixture;

const PATH: &str = "/v1/tenants";

#[tokio::test]
async fn the_caller_s_organisations_come_in_pages() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.difference, &fixture.ada).await;
    let answer = fixture
        .get(&format!("{PATH}?limit=1"))
        .bearer(&key)
        .send()
        .await;
    assert_json_snapshot!(answer.json(), { ".items[].id" => "[tenant]" }, @r#"
    {
      "items": [
        {
          "created_at": "2027-01-15T08:00:00Z",
          "id": "[tenant]",
          "name": "Analytical Engines",
          "owner": null,
          "plan": "team",
          "role": "OWNER",
          "seats": 10,
          "settings": {
            "description": null,
            "display_name": "Analytical Engines",
            "invite_link": {
              "enabled": false,
              "role": "USER"
            },
            "language": "en",
            "timezone": "UTC"
          },
          "subscription_id": "team"
        }
      ],
      "limit": 1,
      "offset": 0,
      "total": 2,
      "total_is_exact": true
    }
    "#);
    let rest = fixture
        .get(&format!("{PATH}?offset=1"))
        .bearer(&key)
        .send()
        .await;
    assert_eq!(rest.text_at("/items/0/name"), "Difference");
    assert_eq!(rest.json()["items"][0]["seats"], 2_147_483_647);
    assert_eq!(rest.json()["limit"], 20);
}

#[tokio::test]
async fn a_member_sees_an_organisation_whichever_the_key_is_for() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    for organization in [&fixture.engines, &fixture.difference] {
        let path = format!("{PATH}/{}", organization.id);
        let answer = fixture.get(&path).bearer(&key).send().await;
        assert_eq!(answer.text_at("/name"), organization.name.as_str());
    }
    let mut answers = Vec::new();
    for id in [
        fixture.foreign.id.to_string(),
        "tenant_01h455vb4pex5vsknk084sn02q".to_owned(),
    ] {
        let path = format!("{PATH}/{id}");
        let answer = fixture.get(&path).bearer(&key).send().await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        answers.push(answer.text);
    }
    assert_eq!(answers[0], answers[1]);
}

#[rstest]
#[case("limit=0", "out_of_range", "limit")]
#[case("limit=101", "out_of_range", "limit")]
#[case("limit=ten", "out_of_range", "limit")]
#[case("offset=-1", "out_of_range", "offset")]
#[case("page=2", "unknown_field", "page")]
#[tokio::test]
async fn a_page_has_its_bounds(#[case] query: &str, #[case] reason: &str, #[case] field: &str) {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let answer = fixture
        .get(&format!("{PATH}?{query}"))
        .bearer(&key)
        .send()
        .await;
    assert_eq!(
        answer.refusal(),
        (422, reason.to_owned()),
        "{}",
        answer.text
    );
    assert_eq!(answer.text_at("/errors/0/field"), field);
}
