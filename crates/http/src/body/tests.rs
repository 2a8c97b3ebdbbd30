use rstest::rstest;
use serde::Deserialize;
use vestibule_model::{Capability, Name, ResourcePath};

use super::*;
use crate::ErrorFormat;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the reading is tested")]
struct Key {
    name: Name,
    grants: Option<Vec<Object<Grant>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Roles {
    by_group: UniqueMap<String, Capability>,
}

#[rstest]
#[case::twice(
    r#"{"by_group":{"eng":"READ_ONLY","eng":"READ_WRITE"}}"#,
    "by_group.eng: must be given once"
)]
#[case::twice_in_two_spellings(
    r#"{"by_group":{"eng":"READ_ONLY","ops":"READ_ONLY","\u0065ng":"READ_ONLY"}}"#,
    "by_group.eng: must be given once"
)]
#[case::wrong_value(r#"{"by_group":{"eng":"all"}}"#, "by_group.eng: must be")]
#[case::an_array(r#"{"by_group":[]}"#, "by_group: must be an object")]
fn a_map_has_each_of_its_names_once(#[case] body: &str, #[case] detail: &str) {
    let problem = parse::<Roles>(body.as_bytes()).unwrap_err();
    assert_eq!(problem.status(ErrorFormat::ProblemJson), 422);
    assert!(problem.detail().starts_with(detail), "{}", problem.detail());
    let good = br#"{"by_group":{"eng":"READ_ONLY","ENG":"READ_WRITE"}}"#;
    assert_eq!(parse::<Roles>(good).unwrap().by_group.0.len(), 2);
}

#[test]
fn a_long_name_is_not_sent_back_in_full() {
    let name = "é".repeat(10_000);
    let problem = parse::<Roles>(format!("{{\"{name}\":1}}").as_bytes()).unwrap_err();
    assert!(problem.detail().len() < 800, "{}", problem.detail());
    let body = format!("{{\"by_group\":{{\"{name}\":1}}}}");
    let problem = parse::<Roles>(body.as_bytes()).unwrap_err();
    assert!(problem.detail().len() < 800, "{}", problem.detail());
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
#[case::a_number_for_a_variant(
    r#"{"name":"a","grants":[{"path":"/shared","capability":1}]}"#,
    422,
    "grants[0].capability: must be a string"
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
    assert_eq!(problem.status(ErrorFormat::ProblemJson), status);
    let text = format!("{problem:?}");
    assert!(text.contains(detail), "{text}");
    assert!(!text.contains("hunter2"), "the value is repeated: {text}");
}

#[test]
fn a_body_nested_without_end_is_refused_and_harms_nobody() {
    let body = "[".repeat(1_000_000);
    assert!(parse::<serde_json::Value>(body.as_bytes()).is_err());
}
