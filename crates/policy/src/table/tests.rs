use std::num::NonZeroU32;
use std::time::Duration;

use rstest::rstest;
use vestibule_model::{Capability, Role};

use super::*;
use crate::{Accepts, LimitPer};

fn limit(name: &'static str, count: u32, per: LimitPer) -> LimitSpec {
    LimitSpec {
        name: name.into(),
        per,
        count: NonZeroU32::new(count).unwrap(),
        window: Duration::from_mins(1),
    }
}

fn table(routes: &[(&str, &str, Rule)]) -> Result<RuleTable, TableError> {
    let mut builder = RuleTable::builder();
    for (method, template, rule) in routes {
        let accepts = if template.starts_with("/api/") {
            Accepts::BearerOrCookie
        } else {
            Accepts::Bearer
        };
        builder = builder.add(method, template, accepts, rule.clone())?;
    }
    Ok(builder.build())
}

fn sample() -> RuleTable {
    table(&[
        ("GET", "/", Rule::public()),
        ("POST", "/api/auth/sign-in", Rule::public()),
        ("GET", "/v1/folders", Rule::signed_in()),
        ("POST", "/v1/folders", Rule::signed_in()),
        ("GET", "/v1/folders/search", Rule::signed_in()),
        ("GET", "/v1/folders/{id}", Rule::signed_in()),
        ("DELETE", "/v1/folders/{id}", Rule::signed_in()),
        ("GET", "/v1/folders/{id}/contents", Rule::signed_in()),
        ("GET", "/v1/{kind}/{id}/tags", Rule::signed_in()),
        ("GET", "/files/{*rest}", Rule::signed_in()),
        ("POST", "/healthz", Rule::signed_in()),
        ("GET", "/healthz", Rule::public()),
    ])
    .unwrap()
}

#[rstest]
#[case::root("GET", "/", "/", &[])]
#[case::literal("GET", "/v1/folders", "/v1/folders", &[])]
#[case::literal_before_parameter("GET", "/v1/folders/search", "/v1/folders/search", &[])]
#[case::parameter("GET", "/v1/folders/7", "/v1/folders/{id}", &[("id", "7")])]
#[case::parameter_beginning_like_a_literal("GET", "/v1/folders/searching", "/v1/folders/{id}", &[("id", "searching")])]
#[case::deeper("GET", "/v1/folders/7/contents", "/v1/folders/{id}/contents", &[("id", "7")])]
#[case::back_out_of_a_literal("GET", "/v1/folders/7/tags", "/v1/{kind}/{id}/tags", &[("kind", "folders"), ("id", "7")])]
#[case::back_out_of_two_literals("GET", "/v1/folders/search/tags", "/v1/{kind}/{id}/tags", &[("kind", "folders"), ("id", "search")])]
#[case::rest("GET", "/files/a/b/c", "/files/{*rest}", &[("rest", "a/b/c")])]
#[case::parameters_stay_encoded("GET", "/files/a%20b", "/files/{*rest}", &[("rest", "a%20b")])]
#[case::head_is_get("HEAD", "/v1/folders/7", "/v1/folders/{id}", &[("id", "7")])]
fn the_most_literal_template_is_found(
    #[case] method: &str,
    #[case] path: &str,
    #[case] expected: &str,
    #[case] expected_params: &[(&str, &str)],
) {
    let table = sample();
    match table.find(method, path) {
        Found::Rule {
            template, params, ..
        } => {
            assert_eq!(template, expected);
            assert_eq!(params.iter().collect::<Vec<_>>(), expected_params);
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::unknown("/v2")]
#[case::prefix_of_a_route("/v1")]
#[case::trailing_slash("/v1/folders/")]
#[case::empty_rest("/files/")]
#[case::no_rest("/files")]
#[case::other_case("/V1/folders")]
#[case::longer("/v1/folders/7/contents/x")]
#[case::not_a_path("")]
fn what_no_template_matches_is_nothing(#[case] path: &str) {
    assert!(matches!(sample().find("GET", path), Found::Nothing));
}

#[rstest]
#[case::sorted_with_head("PUT", "/v1/folders", "GET, HEAD, POST", false)]
#[case::the_literal_s_methods_alone("DELETE", "/v1/folders/search", "GET, HEAD", false)]
#[case::no_head_without_get("GET", "/api/auth/sign-in", "POST", true)]
#[case::head_without_get("HEAD", "/api/auth/sign-in", "POST", true)]
#[case::public("PUT", "/", "GET, HEAD", true)]
#[case::half_public("PUT", "/healthz", "GET, HEAD, POST", false)]
#[case::methods_have_one_case("get", "/", "GET, HEAD", true)]
#[case::options("OPTIONS", "/", "GET, HEAD", true)]
#[case::made_up("BREW", "/", "GET, HEAD", true)]
fn another_method_is_told_which_there_are(
    #[case] method: &str,
    #[case] path: &str,
    #[case] expected: &str,
    #[case] public: bool,
) {
    match sample().find(method, path) {
        Found::OtherMethod {
            allowed,
            all_public,
            ..
        } => assert_eq!((allowed, all_public), (expected, public)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_own_rule_for_head_goes_before_that_of_get() {
    let table = table(&[
        ("GET", "/x", Rule::signed_in()),
        ("HEAD", "/x", Rule::public()),
    ])
    .unwrap();
    match table.find("HEAD", "/x") {
        Found::Rule { rule, .. } => assert_eq!(*rule, Rule::public()),
        other => panic!("{other:?}"),
    }
    match table.find("PUT", "/x") {
        Found::OtherMethod { allowed, .. } => assert_eq!(allowed, "GET, HEAD"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::missing_slash("v1")]
#[case::empty("")]
#[case::trailing_slash("/v1/")]
#[case::two_slashes("/v1//x")]
#[case::dot_segment("/v1/../x")]
#[case::part_of_a_segment("/v1/img-{id}")]
#[case::with_a_suffix("/v1/{id}.png")]
#[case::unclosed("/v1/{id")]
#[case::nameless("/v1/{}")]
#[case::nameless_rest("/v1/{*}")]
#[case::escaped_brace("/v1/{{id}}")]
#[case::rest_inside("/v1/{*rest}/x")]
#[case::one_name_twice("/v1/{id}/{id}")]
#[case::two_spellings("/v1/a:b")]
#[case::space("/v1/a b")]
#[case::encoded("/v1/a%20b")]
fn a_template_with_more_than_one_reading_is_an_error(#[case] template: &str) {
    assert!(matches!(
        table(&[("GET", template, Rule::public())]),
        Err(TableError::Template { .. })
    ));
}

#[test]
fn a_route_declared_twice_is_an_error() {
    let error = table(&[
        ("GET", "/x", Rule::public()),
        ("GET", "/x", Rule::signed_in()),
    ]);
    assert_eq!(error.unwrap_err().to_string(), "GET /x is declared twice");
}

#[rstest]
#[case::other_name("/x/{id}", "/x/{name}")]
#[case::other_name_deeper("/x/{id}/y", "/x/{name}/y")]
#[case::rest_and_rest("/x/{*a}", "/x/{*b}")]
fn templates_for_the_same_paths_are_an_error(#[case] one: &str, #[case] other: &str) {
    let error = table(&[("GET", one, Rule::public()), ("PUT", other, Rule::public())]);
    assert_eq!(
        error.unwrap_err(),
        TableError::Conflict {
            template: other.to_owned(),
            with: one.to_owned(),
        }
    );
}

#[rstest]
#[case("")]
#[case("get")]
#[case("GET ")]
#[case("GET, POST")]
fn a_method_is_upper_case_letters(#[case] method: &str) {
    assert!(matches!(
        table(&[(method, "/x", Rule::public())]),
        Err(TableError::Method { .. })
    ));
}

#[rstest]
#[case::role(Rule::public().role(Role::Admin))]
#[case::role_where_optional(Rule::optional().role(Role::User))]
#[case::feature(Rule::public().feature("agents"))]
#[case::capability(Rule::public().capability(Capability::ReadOnly, "/x"))]
#[case::credential(Rule::optional().not_by_key())]
#[case::limit(Rule::public().limit(limit("x", 1, LimitPer::User)))]
#[case::unknown_parameter(Rule::signed_in().capability(Capability::ReadOnly, "/x/{other}"))]
#[case::rest_in_a_capability(Rule::signed_in().capability(Capability::ReadOnly, "/x/{*id}"))]
#[case::nameless_limit(Rule::signed_in().limit(limit("", 1, LimitPer::User)))]
#[case::quoted_limit(Rule::signed_in().limit(limit("a\"b", 1, LimitPer::User)))]
#[case::relative_capability(Rule::signed_in().capability(Capability::ReadOnly, "x/{id}"))]
#[case::part_of_a_segment(Rule::signed_in().capability(Capability::ReadOnly, "/x-{id}"))]
fn demands_that_do_not_fit_are_an_error(#[case] rule: Rule) {
    assert!(matches!(
        table(&[("GET", "/x/{id}", rule)]),
        Err(TableError::Rule { .. })
    ));
}

#[test]
fn limits_are_numbered_without_gaps_and_equal_ones_are_shared() {
    let a = limit("a", 10, LimitPer::User);
    let b = limit("b", 20, LimitPer::User);
    let c = limit("a", 10, LimitPer::Organization);
    let table = table(&[
        (
            "GET",
            "/1",
            Rule::signed_in().limit(a.clone()).limit(b.clone()),
        ),
        ("GET", "/2", Rule::signed_in().limit(b.clone())),
        ("GET", "/3", Rule::signed_in().limit(c.clone())),
    ])
    .unwrap();
    let all: Vec<_> = table
        .limits()
        .map(|(id, spec)| (id.0, spec.clone()))
        .collect();
    assert_eq!(all, [(0, a), (1, b), (2, c)]);
    let of_routes: Vec<Vec<usize>> = table
        .routes()
        .map(|route| route.rule.limits().iter().map(|limit| limit.id.0).collect())
        .collect();
    assert_eq!(of_routes, [vec![0, 1], vec![1], vec![2]]);
}

#[test]
fn routes_are_numbered_in_the_order_of_declaration() {
    let table = table(&[
        ("GET", "/x", Rule::public()),
        ("GET", "/y", Rule::public()),
        ("PUT", "/x", Rule::public()),
    ])
    .unwrap();
    let mut routes: Vec<_> = table.routes().collect();
    routes.sort_by_key(|route| route.number.index());
    let named: Vec<_> = routes.iter().map(|it| (it.method, it.template)).collect();
    assert_eq!(named, [("GET", "/x"), ("GET", "/y"), ("PUT", "/x")]);
    match table.find("PUT", "/x") {
        Found::Rule { number, .. } => assert_eq!(number.index(), 2),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::own("/api/auth/unknown", Accepts::BearerOrCookie)]
#[case::bearer("/v1/unknown", Accepts::Bearer)]
#[case::like_api("/apis/x", Accepts::Bearer)]
#[case::neither("/x", Accepts::Bearer)]
fn an_unknown_path_is_answered_as_its_neighbours_are(
    #[case] path: &str,
    #[case] expected: Accepts,
) {
    assert_eq!(sample().kind_of(path).accepts, expected);
}
