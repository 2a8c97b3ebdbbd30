//! `/v1/documents`

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture};

use crate::support::{document, folder, paths, shared};

#[rstest]
#[tokio::test]
async fn a_document_is_written_read_moved_and_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let key = fixture.key();
    let shared = shared(&fixture).await;
    let (one, other) = (
        folder(&fixture, Some(&shared), "one").await,
        folder(&fixture, None, "other").await,
    );
    let id = document(&fixture, &one, "ä plan 100%").await;
    let path = format!("/v1/documents/{id}");
    let got = fixture.get(&path).bearer(key).send().await.expect(200);
    assert_eq!(got.text_at("/content"), "ä plan 100%");
    assert_eq!(got.text_at("/materialized_path"), "/shared/one/ä plan 100%");
    assert_eq!(got.text_at("/parent_path_part_id"), one);
    assert_eq!(got.text_at("/tenant_id"), fixture.acme());

    let body = json!({ "name": "final", "parent_path_part_id": other, "content": "" });
    let changed = fixture
        .patch(&path)
        .bearer(key)
        .json(body)
        .send()
        .await
        .expect(200);
    assert_eq!(changed.text_at("/materialized_path"), "/other/final");
    assert_eq!(changed.text_at("/content"), "");
    let list = fixture
        .get(&format!("/v1/documents?parent_path_part_id={other}"))
        .bearer(key);
    assert_eq!(
        paths(&list.send().await.expect(200)),
        (vec!["/other/final".into()], 1)
    );
    fixture.delete(&path).bearer(key).send().await.expect(204);
    fixture.delete(&path).bearer(key).send().await.expect(404);
    // A folder is no document, though the two share a tree.
    let uuid_of = |id: &str| id.split_once('_').unwrap().1.to_owned();
    let path = format!("/v1/documents/doc_{}", uuid_of(&one));
    fixture.get(&path).bearer(key).send().await.expect(404);
}

/// What a page shows and counts is what the caller may read.
#[rstest]
#[tokio::test]
async fn pages_and_totals_are_cut_to_what_the_caller_may_read(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let shared = shared(&fixture).await;
    let open = folder(&fixture, Some(&shared), "reports2").await;
    for number in 0..5 {
        document(&fixture, &open, &format!("d{number}")).await;
    }
    let token = fixture.token_of(&fixture.bob()).await;
    let page = |query: &'static str| {
        let call = fixture.get(&format!("/v1/documents{query}")).bearer(&token);
        async move { paths(&call.send().await.expect(200)) }
    };
    // /shared/reports does not cover /shared/reports2.
    assert_eq!(page("").await, (vec!["/shared/reports/q1".to_owned()], 1));
    crate::support::grant(&fixture, &fixture.bob().id, "/shared/reports2", "READ_ONLY").await;
    let (all, total) = page("").await;
    assert_eq!((all.len(), total), (6, 6));
    let mut walked = Vec::new();
    for query in ["?limit=4", "?limit=4&offset=4", "?limit=4&offset=8"] {
        let (some, total) = page(query).await;
        assert_eq!(total, 6);
        walked.extend(some);
    }
    assert_eq!(walked, all);
}
