//! The document and the rule table say the same.

use std::collections::BTreeSet;

use serde_json::Value;
use vestibule_layer::Accepts;
use vestibule_policy::rule::Access;

use crate::fixture::Fixture;

fn document() -> Value {
    serde_json::to_value(vestibule_api::openapi()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    found
}

#[tokio::test]
async fn every_route_is_documented_and_nothing_else_is() {
    let fixture = Fixture::new().await;
    let document = document();
    let documented: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let routes: BTreeSet<_> = fixture
        .table()
        .routes()
        .map(|route| (route.method.to_owned(), route.template.to_owned()))
        .collect();
    assert_eq!(documented, routes);
}

#[tokio::test]
async fn the_document_says_who_may_call_as_the_table_does() {
    let fixture = Fixture::new().await;
    let document = document();
    for route in fixture.table().routes() {
        let path = route.template.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/paths/{path}/{}", route.method.to_lowercase());
        let operation = document.pointer(&pointer).unwrap();
        let security = operation["security"].as_array().unwrap();
        let anybody = security.is_empty() || security.contains(&serde_json::json!({}));
        assert_eq!(
            anybody,
            route.rule.access() != Access::SignedIn,
            "{pointer}"
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("401") || anybody, "{pointer}");
        let is_browser = route.template.starts_with("/api");
        assert_eq!(
            route.kind.accepts == Accepts::BearerOrCookie,
            is_browser,
            "{pointer}"
        );
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references<'d>(value: &'d Value, found: &mut BTreeSet<&'d str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(target) if name == "$ref" => {
                            found.insert(target);
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}

#[test]
fn every_operation_has_a_name_a_summary_and_a_section_of_its_own() {
    let document = document();
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{name} twice");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let own = operation["tags"].as_array().unwrap();
        assert!(
            own.iter().all(|tag| tags.contains(tag.as_str().unwrap())),
            "{path}"
        );
        for (status, response) in operation["responses"].as_object().unwrap() {
            let described = response["description"].is_string() || response["$ref"].is_string();
            assert!(described, "{method} {path} {status}");
        }
    }
}

#[test]
fn a_body_that_may_be_left_out_is_never_null() {
    let document = document();
    let mut optional = 0;
    for (method, path, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else {
            continue;
        };
        for content in body["content"].as_object().unwrap().values() {
            assert!(content["schema"]["oneOf"].is_null(), "{method} {path}");
        }
        optional += usize::from(body["required"] != Value::Bool(true));
    }
    assert!(optional > 3, "{optional}");
}
