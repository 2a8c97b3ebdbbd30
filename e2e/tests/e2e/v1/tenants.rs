//! `/v1/tenants`

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture};

use crate::support::unknown;

#[rstest]
#[tokio::test]
async fn callers_see_the_organisations_they_are_in_and_no_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let list = fixture
        .get("/v1/tenants")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200)
        .json();
    let names: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["Acme", "Globex"]);
    assert_eq!(list["total"], 2);
    let page = fixture
        .get("/v1/tenants?limit=1&offset=1")
        .bearer(fixture.key());
    let page = page.send().await.expect(200).json();
    assert_eq!(page["items"], json!([list["items"][1]]));
    assert_eq!(
        (&page["total"], &page["limit"], &page["offset"]),
        (&json!(2), &json!(1), &json!(1))
    );

    // Also one that the credential does not act in.
    let path = format!("/v1/tenants/{}", fixture.globex());
    let one = fixture
        .get(&path)
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    assert_eq!(one.json(), list["items"][1]);

    let bob = fixture.token_of(&fixture.bob()).await;
    let his = fixture
        .get("/v1/tenants")
        .bearer(&bob)
        .send()
        .await
        .expect(200);
    assert_eq!(his.json()["total"], 1);
    assert!(!his.text.contains("Globex"));
    let foreign = fixture
        .get(&path)
        .bearer(&bob)
        .send()
        .await
        .expect(404)
        .json();
    let path = format!("/v1/tenants/{}", unknown("tenant"));
    let missing = fixture
        .get(&path)
        .bearer(&bob)
        .send()
        .await
        .expect(404)
        .json();
    assert_eq!(foreign["detail"], missing["detail"]);

    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("offset=-1", "offset"),
        ("limit=a", "limit"),
        ("limit=1&limit=2", "limit"),
        ("page=2", "page"),
    ] {
        let call = fixture.get(&format!("/v1/tenants?{query}")).bearer(&bob);
        let refused = call.send().await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field, "{query}: {refused}");
    }
}
