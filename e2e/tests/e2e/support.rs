//! What many tests do on their way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vestibule_e2e::{Answer, Fixture};

/// How soon a server must notice what another process changed.
pub(crate) const NOTICED: Duration = Duration::from_secs(1);

/// An id that nobody has, of a kind.
pub(crate) fn unknown(kind: &str) -> String {
    format!("{kind}_01jhmpfn80e48s5s0q7b7cwx5e")
}

/// Asks again until the answer has the status; panics where it has not within [`NOTICED`].
#[track_caller]
pub(crate) fn soon<'a, F>(
    status: u16,
    ask: impl Fn() -> F + 'a,
) -> impl Future<Output = Answer> + 'a
where
    F: Future<Output = Answer>,
{
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        loop {
            // The time before the question counts: an answer may be slow for other reasons.
            let waited = began.elapsed();
            let answer = ask().await;
            if answer.status == status {
                return answer;
            }
            assert!(
                waited < NOTICED,
                "still {} at {caller}: {}",
                answer.status,
                answer.text
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Creates a folder by the owner's key, in the root where `parent` is `None`; its id.
pub(crate) async fn folder(fixture: &Fixture, parent: Option<&str>, name: &str) -> String {
    let body = json!({ "name": name, "parent_path_part_id": parent });
    let call = fixture.post("/v1/folders").bearer(fixture.key()).json(body);
    call.send().await.expect(201).text_at("/id")
}

/// Creates a document by the owner's key; its id.
pub(crate) async fn document(fixture: &Fixture, parent: &str, name: &str) -> String {
    let body = json!({ "name": name, "parent_path_part_id": parent, "content": name });
    let call = fixture
        .post("/v1/documents")
        .bearer(fixture.key())
        .json(body);
    call.send().await.expect(201).text_at("/id")
}

/// The id of `/shared`, as the owner sees it.
pub(crate) async fn shared(fixture: &Fixture) -> String {
    let list = fixture
        .get("/v1/folders")
        .bearer(fixture.key())
        .send()
        .await;
    let list = list.expect(200).json();
    let mut items = list["items"].as_array().unwrap().iter();
    let shared = items.find(|item| item["materialized_path"] == "/shared");
    shared.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Grants a member of the first organisation something by the owner's key; the grant's id.
pub(crate) async fn grant(fixture: &Fixture, user: &str, path: &str, capability: &str) -> String {
    let answer = try_grant(fixture, user, path, capability).await;
    answer.expect(201).text_at("/id")
}

/// As [`grant`], whatever the answer.
pub(crate) async fn try_grant(
    fixture: &Fixture,
    user: &str,
    path: &str,
    capability: &str,
) -> Answer {
    let body = json!({
        "tenant_id": fixture.acme(), "user_id": user, "path": path, "capability": capability,
    });
    let call = fixture.post("/v1/user-permissions").bearer(fixture.key());
    call.json(body).send().await
}

/// Takes a grant back by the owner's key.
pub(crate) async fn revoke(fixture: &Fixture, grant: &str) {
    let path = format!("/v1/user-permissions/{grant}?tenant_id={}", fixture.acme());
    let call = fixture.delete(&path).bearer(fixture.key());
    call.send().await.expect(204);
}

/// Takes all that somebody was granted in the first organisation.
pub(crate) async fn revoke_all(fixture: &Fixture, user: &str) {
    let path = format!(
        "/v1/user-permissions?tenant_id={}&user_id={user}",
        fixture.acme()
    );
    let list = fixture.get(&path).bearer(fixture.key()).send().await;
    for item in list.expect(200).json()["items"].as_array().unwrap() {
        revoke(fixture, item["id"].as_str().unwrap()).await;
    }
}

/// A new key of the owner, narrowed to these grants where there are any; its id and its text.
pub(crate) async fn key(fixture: &Fixture, grants: Option<Value>) -> (String, String) {
    let body = json!({ "name": "another", "grants": grants });
    let call = fixture
        .post("/v1/api-keys")
        .bearer(fixture.key())
        .json(body);
    let created = call.send().await.expect(201);
    (created.text_at("/id"), created.text_at("/key"))
}

/// The paths in a list of folders or documents, and its total.
pub(crate) fn paths(list: &Answer) -> (Vec<String>, u64) {
    let body = list.json();
    let items = body["items"].as_array().unwrap().iter();
    let path = |item: &Value| item["materialized_path"].as_str().unwrap().to_owned();
    (items.map(path).collect(), body["total"].as_u64().unwrap())
}

/// The names of an object's members, in order.
pub(crate) fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}
