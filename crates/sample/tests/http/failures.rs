//! What holds on every route.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use axum::body::Body;
use axum::http::Request;
use rstest::rstest;
use serde_json::{Value, json};
use vestibule_sample::{Sample, SampleDatabase, SampleError};

use crate::support::{Engine, World};

fn documented() -> Vec<(String, String)> {
    let document = serde_json::to_value(vestibule_sample::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect()
}

#[test]
fn every_route_is_documented_with_all_that_it_refers_to() {
    let routes: BTreeSet<String> = documented()
        .iter()
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    let expected = [
        "DELETE /api/managed-agents/session",
        "DELETE /v1/documents/{id}",
        "DELETE /v1/folders/{id}",
        "GET /api/managed-agents/sessions",
        "GET /api/managed-agents/transcript",
        "GET /v1/documents",
        "GET /v1/documents/{id}",
        "GET /v1/folders",
        "GET /v1/folders/{id}",
        "PATCH /v1/documents/{id}",
        "PATCH /v1/folders/{id}",
        "POST /api/managed-agents/cancel",
        "POST /api/managed-agents/message",
        "POST /api/managed-agents/session",
        "POST /v1/documents",
        "POST /v1/folders",
    ];
    assert_eq!(routes, expected.map(str::to_owned).into());
    let document = serde_json::to_value(vestibule_sample::openapi()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(
            schema.is_object(),
            "{name} is referred to and not described"
        );
    }
}

#[test]
fn every_refusal_is_documented_with_its_shape_and_headers() {
    let document = serde_json::to_value(vestibule_sample::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let (content_type, schema) = if path.starts_with("/v1") {
            ("application~1problem+json", "Problem")
        } else {
            ("application~1json", "Error")
        };
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let name = format!("{method} {path}");
            assert!(responses["401"]["headers"]["WWW-Authenticate"].is_object());
            assert!(responses["429"]["headers"]["Retry-After"].is_object());
            let has_body = operation["requestBody"].is_object();
            for status in ["413", "415"] {
                assert_eq!(responses.contains_key(status), has_body, "{name}");
            }
            for (status, response) in responses {
                if status.starts_with(['4', '5']) {
                    let shape = format!("/content/{content_type}/schema/$ref");
                    let expected = format!("#/components/schemas/{schema}");
                    // Those that all routes share are described once.
                    let shared = response["$ref"].as_str();
                    let response = shared.map_or(response, |place| {
                        document.pointer(place.trim_start_matches('#')).unwrap()
                    });
                    let found = response.pointer(&shape).and_then(|it| it.as_str());
                    assert_eq!(found, Some(&*expected), "{name} {status}");
                }
            }
        }
    }
    let sessions = &document["paths"]["/api/managed-agents/sessions"]["get"]["responses"];
    assert!(sessions["404"].is_null());
}

#[tokio::test]
async fn a_query_parameter_that_means_nothing_is_refused_on_every_route() {
    let world = World::start(Engine::Sqlite).await;
    let owner = world.owner();
    for (method, path) in documented() {
        let path = path.replace("{id}", "01946967-d500-7123-8000-000000000001");
        let path = format!("{path}?unheard_of=1");
        let answer = world.call(&owner, &method, &path, Value::Null).await;
        let status = if path.starts_with("/v1") { 422 } else { 400 };
        assert_eq!(answer.refused(status), "unknown_field", "{method} {path}");
    }
    world.end().await;
}

#[tokio::test]
async fn without_a_credential_every_route_is_401() {
    let world = World::start(Engine::Sqlite).await;
    for (method, path) in documented() {
        let request = Request::builder()
            .method(method.as_str())
            .uri(path.replace("{id}", "folder_01jhmpfn80e48s5s0q7b7cwx5e"))
            .body(Body::empty())
            .unwrap();
        let answer = world.send(request).await;
        assert_eq!(
            answer.headers["www-authenticate"], "Bearer",
            "{method} {path}"
        );
        assert_eq!(answer.refused(401), "no_credential");
    }
    world.end().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_by_its_kind() {
    let world = World::start(Engine::Sqlite).await;
    let owner = world.owner();
    let send = |content_type: &'static str, body: &'static str| {
        let request = Request::post("/v1/folders")
            .header("authorization", format!("Bearer {}", owner.key))
            .header("content-type", content_type)
            .header("content-length", body.len())
            .body(Body::from(body))
            .unwrap();
        world.send(request)
    };
    let json = "application/json";
    assert_eq!(send(json, "{").await.refused(400), "malformed_json");
    assert_eq!(
        send(json, "{\"name\":\"a\",\"name\":\"b\"}")
            .await
            .refused(422),
        "duplicate_field"
    );
    assert_eq!(
        send("text/plain", "{}").await.refused(415),
        "unsupported_media_type"
    );
    let answer = world.call(&owner, "PUT", "/v1/folders", json!({})).await;
    assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
    assert_eq!(answer.refused(405), "method_not_allowed");
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn with_the_database_away_every_route_is_503(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    world.sample.close().await;
    let id = "01jhmpfn80e48s5s0q7b7cwx5e";
    let session = "01946967-d500-7123-8000-000000000000";
    for (method, path) in documented() {
        let kind = if path.contains("documents") {
            "doc"
        } else {
            "folder"
        };
        let mut path = path.replace("{id}", &format!("{kind}_{id}"));
        let body = match (method.as_str(), path.as_str()) {
            ("POST" | "PATCH", path) if path.starts_with("/v1") => json!({"name": "a"}),
            ("POST", path) if path.ends_with("/session") => json!({"text": "a"}),
            ("POST", path) if path.ends_with("/message") => {
                json!({"text": "a", "sessionId": session})
            }
            ("POST", _) => json!({"sessionId": session}),
            _ => Value::Null,
        };
        if path.ends_with("/transcript") || (method == "DELETE" && path.ends_with("/session")) {
            path = format!("{path}?sessionId={session}");
        }
        let answer = world.call(&owner, &method, &path, body).await;
        assert!(
            answer.headers.contains_key("retry-after"),
            "{method} {path}"
        );
        assert_eq!(answer.refused(503), "store_unavailable");
    }
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn tables_are_made_once(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    world.sample.migrate().await.unwrap();
    world.end().await;
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_being_repeated() {
    let place = SampleDatabase::postgres("a secret");
    for opened in [Sample::connect(&place).await, Sample::create(&place).await] {
        let error = opened.unwrap_err();
        assert!(matches!(error, SampleError::Url), "{error}");
        assert!(!format!("{error} {place:?}").contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_database_without_tables_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    let place = SampleDatabase::sqlite(&file);
    let refused = Sample::connect(&place).await;
    assert!(matches!(refused, Err(SampleError::Absent)), "{refused:?}");
    assert!(!file.exists());
    std::fs::write(&file, "").unwrap();
    let refused = Sample::connect(&place).await;
    assert!(matches!(refused, Err(SampleError::Absent)), "{refused:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"");
}

#[rstest]
#[case::hash(b"C#")]
#[case::percent(b"100%")]
#[case::encoded(b"%41")]
#[case::colon(b"a:b")]
#[case::question_mark(b"a?b")]
#[case::time(b"2026-11-30T15:10")]
#[case::quotes(b"it's \"mine\"")]
#[case::not_utf8(b"caf\xe9")]
#[tokio::test]
async fn a_file_is_opened_by_its_path_whatever_its_name(#[case] name: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join(OsStr::from_bytes(name));
    std::fs::create_dir(&named).unwrap();
    let place = SampleDatabase::sqlite(named.join("sample.db"));
    let sample = Sample::create(&place).await.unwrap();
    sample.migrate().await.unwrap();
    sample.close().await;
    Sample::connect(&place).await.unwrap().close().await;
    let files = std::fs::read_dir(&named).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(
        files,
        ["sample.db"],
        "closed in order, nothing is left in a log"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
