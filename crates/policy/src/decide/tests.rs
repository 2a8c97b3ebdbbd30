use Role::{Admin, Owner, User};
use proptest::prelude::*;
use rstest::rstest;
use vestibule_model::{Capability, CredentialRef, Principal, Role};

use super::*;
use crate::fixture::{caller, id};
use crate::{Accepts, Explanation, Found, RuleTable, explain};

/// Decides and explains one route for one request, and holds that both agree.
fn outcome(
    rule: Rule,
    route: &str,
    path: &str,
    caller: &Principal,
) -> (Result<(), Refusal>, Explanation) {
    let builder = RuleTable::builder().add("GET", route, Accepts::Bearer, rule);
    let table = builder.unwrap().build();
    let Found::Rule { rule, params, .. } = table.find("GET", path) else {
        panic!("{path} is not {route}");
    };
    let decision = decide(rule, caller, &params);
    let explanation = explain(rule, caller, &params);
    assert_eq!(explanation.outcome, decision);
    (decision, explanation)
}

fn reason(rule: Rule, caller: &Principal) -> Option<&'static str> {
    let (decision, _) = outcome(rule, "/x", "/x", caller);
    decision.err().map(|refusal| refusal.reason())
}

#[rstest]
#[case::nothing_demanded(Rule::signed_in(), User, "", None)]
#[case::role(Rule::signed_in().role(Admin), User, "", Some("role_required"))]
#[case::role_reached(Rule::signed_in().role(Admin), Admin, "", None)]
#[case::role_exceeded(Rule::signed_in().role(Admin), Owner, "", None)]
#[case::role_by_key(Rule::signed_in().role(Admin), Admin, "key", None)]
#[case::role_by_narrowed_key(Rule::signed_in().role(User), Owner, "key RWD /", Some("key_is_narrowed"))]
#[case::feature(Rule::signed_in().feature("agents"), User, "", None)]
#[case::feature_missing(Rule::signed_in().feature("audit"), Owner, "", Some("plan_feature_missing"))]
#[case::path(Rule::signed_in().capability(Capability::ReadOnly, "/a"), User, "RO /a", None)]
#[case::path_missing(Rule::signed_in().capability(Capability::ReadOnly, "/a"), User, "", Some("path_not_granted"))]
#[case::root(Rule::signed_in().capability(Capability::ReadOnly, "/"), User, "RO /", None)]
#[case::key(Rule::signed_in().not_by_key(), User, "key", Some("credential_kind_not_accepted"))]
#[case::token(Rule::signed_in().not_by_key(), User, "", None)]
#[case::credential_goes_before_role(Rule::signed_in().not_by_key().role(Admin), User, "key", Some("credential_kind_not_accepted"))]
#[case::role_goes_before_path(Rule::signed_in().role(Admin).capability(Capability::ReadOnly, "/a"), User, "", Some("role_required"))]
#[case::path_goes_before_feature(Rule::signed_in().feature("audit").capability(Capability::ReadOnly, "/a"), User, "", Some("path_not_granted"))]
fn every_demand_must_be_met(
    #[case] rule: Rule,
    #[case] role: Role,
    #[case] holds: &str,
    #[case] expected: Option<&str>,
) {
    assert_eq!(reason(rule, &caller(role, holds)), expected);
}

#[test]
fn a_cookie_is_no_bearer() {
    let mut caller = caller(User, "");
    caller.credential = CredentialRef::SessionCookie(id(9));
    assert_eq!(
        reason(Rule::signed_in().bearer_only(), &caller),
        Some("credential_kind_not_accepted")
    );
    assert_eq!(reason(Rule::signed_in().not_by_key(), &caller), None);
}

#[rstest]
#[case::one_segment("/f/{name}", "/shared/{name}", "/f/eng", Ok("/shared/eng"))]
#[case::many_segments(
    "/f/{*rest}",
    "/shared/{rest}",
    "/f/eng/specs",
    Ok("/shared/eng/specs")
)]
#[case::in_the_middle("/f/{a}/{b}", "/{b}/x/{a}", "/f/1/2", Ok("/2/x/1"))]
#[case::decoded("/f/{name}", "/shared/{name}", "/f/a%20b%C3%A4", Ok("/shared/a bä"))]
#[case::trailing_slash("/f/{*rest}", "/shared/{rest}", "/f/eng/", Err("not_a_path"))]
#[case::dots("/f/{name}", "/shared/{name}", "/f/..", Err("not_a_path"))]
#[case::encoded_dots("/f/{name}", "/shared/{name}", "/f/%2e%2e", Err("not_a_path"))]
#[case::encoded_slash("/f/{name}", "/shared/{name}", "/f/..%2fprivate", Err("not_a_path"))]
#[case::encoded_slash_alone("/f/{name}", "/shared/{name}", "/f/a%2fb", Err("not_a_path"))]
#[case::two_slashes("/f/{*rest}", "/shared/{rest}", "/f/a//b", Err("not_a_path"))]
#[case::not_utf8("/f/{name}", "/shared/{name}", "/f/%ff", Err("not_a_path"))]
#[case::broken_triplet("/f/{name}", "/shared/{name}", "/f/%f", Err("not_a_path"))]
fn the_path_of_a_capability_is_filled_from_the_url(
    #[case] route: &str,
    #[case] template: &'static str,
    #[case] path: &str,
    #[case] expected: Result<&str, &str>,
) {
    let rule = Rule::signed_in().capability(Capability::ReadOnly, template);
    let (decision, _) = outcome(rule, route, path, &caller(User, ""));
    match (decision, expected) {
        (Err(Refusal::Path { path, .. }), Ok(expected)) => assert_eq!(path, expected),
        (Err(refusal), Err(expected)) => assert_eq!(refusal.reason(), expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_too_long_for_a_resource_is_none() {
    let rule = Rule::signed_in().capability(Capability::ReadOnly, "/shared/{rest}");
    let fits = "/f/".to_owned() + &"a".repeat(1_024 - "/shared/".len());
    let (decision, _) = outcome(
        rule.clone(),
        "/f/{*rest}",
        &fits,
        &caller(User, "RO /shared"),
    );
    assert_eq!(decision, Ok(()));
    let (decision, _) = outcome(rule, "/f/{*rest}", &(fits + "a"), &caller(Owner, ""));
    assert_eq!(decision, Err(Refusal::NotAPath));
}

#[test]
fn an_explanation_names_the_grants_that_decided() {
    let rule = Rule::signed_in()
        .capability(Capability::ReadWrite, "/shared/{rest}")
        .feature("agents");
    let caller = caller(User, "RO /shared; G RW /shared/eng; key RWD /shared");
    let (_, explanation) = outcome(rule, "/f/{*rest}", "/f/eng/x", &caller);
    let group = caller.grants[1].id;
    let through = caller.grants[1].through.unwrap();
    let own = caller.narrowed_to.as_ref().unwrap()[0].id;
    assert_eq!(
        explanation.to_string(),
        format!(
            "caller: {} as USER in {}, by {}, narrowed to its own grants (1)\n\
             READ_WRITE on /shared/eng/x: yes, by {group} (READ_WRITE on /shared/eng, through \
             {through}), and the key by {own} (READ_WRITE_DELETE on /shared)\n\
             plan feature agents: yes, by the plan team\n\
             allowed\n",
            caller.user_id, caller.organization_id, caller.credential
        )
    );
}

#[test]
fn an_explanation_ends_with_the_first_demand_not_met() {
    let rule = Rule::signed_in().role(Admin).feature("audit");
    let (_, explanation) = outcome(rule.clone(), "/x", "/x", &caller(User, ""));
    assert_eq!(
        explanation.lines[1..],
        [
            "role ADMIN or above: no",
            "denied (role_required): This needs the role ADMIN or above."
        ]
    );
    let (_, explanation) = outcome(rule, "/x", "/x", &caller(Admin, ""));
    assert_eq!(
        explanation.lines[1..],
        [
            "role ADMIN or above: yes, by the role ADMIN",
            "plan feature audit: no",
            "denied (plan_feature_missing): The plan team does not have the feature audit."
        ]
    );
}

proptest! {
    #[test]
    fn no_url_reaches_beyond_its_template(rest in "[a-z./%2efF5c]{1,20}") {
        let rule = Rule::signed_in().capability(Capability::ReadOnly, "/shared/{rest}");
        let caller = caller(User, "RO /private; RO /users/def");
        let (decision, _) = outcome(rule, "/f/{*rest}", &format!("/f/{rest}"), &caller);
        prop_assert!(decision.is_err());
    }
}
