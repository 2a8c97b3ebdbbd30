use rstest::rstest;
use serde::Deserialize;
use vestibule_model::{Capability, Name, ResourcePath};

use super::*;
use crate::Dialect;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the reading is tested")]
struct Key {
    name: Name,
    grants: Option<Vec<Object<Grant>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the reading is tested")]
struct Grant {
    path: ResourcePath,
    capability: Capability,
}

#[rstest]
#[case::missing("{}", 422, "name: is required")]
#[case::unknown(
    r#"{"name":"a","nmae":1}"#,
    422,
    "nmae: is not a field here; expected `name` or `grants`"
)]
#[case::twice(r#"{"name":"a","name":"b"}"#, 422, "name: must be given once")]
#[case::wrong_type(r#"{"name":5}"#, 422, "name: must be a string")]
#[case::empty(r#"{"name":"  "}"#, 422, "name: must not be empty")]
#[case::nested(
    r#"{"name":"a","grants":[{"path":"shared","capability":"READ_ONLY"}]}"#,
    422,
    "grants[0].path: must be a path such as /shared/eng"
)]
#[case::nested_missing(
    r#"{"name":"a","grants":[{"path":"/shared"}]}"#,
    422,
    "grants[0].capability: is required"
)]
#[case::variant(
    r#"{"name":"a","grants":[{"path":"/shared","capability":"read"}]}"#,
    422,
    "grants[0].capability: must be one of `READ_ONLY`, `READ_WRITE`, `READ_WRITE_DELETE`"
)]
#[case::not_an_array(r#"{"name":"a","grants":"all"}"#, 422, "grants: must be an array")]
#[case::nested_not_an_object(
    r#"{"name":"a","grants":[["/shared","READ_ONLY"]]}"#,
    422,
    "grants[0]: must be an object"
)]
#[case::not_an_object("[]", 422, "body: must be an object")]
#[case::a_string("\"hunter2\"", 422, "body: must be an object")]
#[case::syntax(r#"{"name":"a""#, 400, "The body is not JSON")]
#[case::two_values(r#"{"name":"a"}{}"#, 400, "The body is not JSON")]
#[case::lone_surrogate(r#"{"name":"\ud800"}"#, 400, "The body is not JSON")]
fn a_refused_body_is_told_which_field_and_what_would_be_right(
    #[case] body: &str,
    #[case] status: u16,
    #[case] detail: &str,
) {
    let problem = parse::<Key>(body.as_bytes()).unwrap_err();
    assert_eq!(problem.status(Dialect::Bearer), status);
    let text = format!("{problem:?}");
    assert!(text.contains(detail), "{text}");
    assert!(!text.contains("hunter2"), "the value is repeated: {text}");
}

#[test]
fn a_body_nested_without_end_is_refused_and_harms_nobody() {
    let body = "[".repeat(1_000_000);
    assert!(parse::<serde_json::Value>(body.as_bytes()).is_err());
}
