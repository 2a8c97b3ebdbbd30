//! `/v1/folders`

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture};

use crate::support::{document, folder, paths, shared};

#[rstest]
#[tokio::test]
async fn a_folder_is_made_renamed_moved_and_deleted_with_all_below(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let key = fixture.key();
    let shared = shared(&fixture).await;
    let eng = folder(&fixture, Some(&shared), "eng").await;
    let specs = folder(&fixture, Some(&eng), "specs").await;
    let one = document(&fixture, &specs, "one").await;
    let at = |id: &str| format!("/v1/folders/{id}");

    let body = json!({ "name": "eng", "parent_path_part_id": shared });
    let taken = fixture
        .post("/v1/folders")
        .bearer(key)
        .json(body)
        .send()
        .await
        .expect(409);
    assert_eq!(taken.reason(), "name_conflict");
    let call = fixture
        .patch(&at(&eng))
        .bearer(key)
        .json(json!({ "name": "engineering" }));
    assert_eq!(
        call.send().await.expect(200).text_at("/materialized_path"),
        "/shared/engineering"
    );
    let call = fixture.patch(&at(&eng)).bearer(key);
    let cycle = call
        .json(json!({ "parent_path_part_id": specs }))
        .send()
        .await
        .expect(422);
    assert_eq!(cycle.reason(), "cycle");
    let call = fixture.patch(&at(&specs)).bearer(key);
    let moved = call
        .json(json!({ "parent_path_part_id": null }))
        .send()
        .await
        .expect(200);
    assert_eq!(
        moved.text_at("/materialized_path"),
        "/shared/engineering/specs"
    );
    let call = fixture.patch(&at(&specs)).bearer(key);
    let moved = call
        .json(json!({ "parent_path_part_id": "" }))
        .send()
        .await
        .expect(200);
    assert_eq!(moved.text_at("/materialized_path"), "/specs");
    let path = format!("/v1/documents/{one}");
    let below = fixture.get(&path).bearer(key).send().await.expect(200);
    assert_eq!(below.text_at("/materialized_path"), "/specs/one");

    let refused = fixture
        .delete(&at(&shared))
        .bearer(key)
        .send()
        .await
        .expect(403);
    assert_eq!(refused.reason(), "system_managed");
    fixture
        .delete(&at(&specs))
        .bearer(key)
        .send()
        .await
        .expect(204);
    for path in [at(&specs), path] {
        fixture.get(&path).bearer(key).send().await.expect(404);
    }
    let list = fixture
        .get(&format!("/v1/folders?parent_path_part_id={shared}"))
        .bearer(key);
    let (left, total) = paths(&list.send().await.expect(200));
    assert_eq!(
        (left, total),
        (
            vec!["/shared/engineering".into(), "/shared/reports".into()],
            2
        )
    );
}
