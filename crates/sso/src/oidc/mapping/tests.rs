use rstest::rstest;
use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("not an object"),
    }
}

fn email(id_token: Value, userinfo: Option<Value>) -> Result<Option<ClaimedEmail>, SsoRefusal> {
    let (id_token, userinfo) = (object(id_token), userinfo.map(object));
    Mapping::default().email(Told {
        id_token: &id_token,
        userinfo: userinfo.as_ref(),
    })
}

#[rstest]
#[case::said_so(json!({"email": "a@x.example", "email_verified": true}), None, true)]
#[case::not_said(json!({"email": "a@x.example"}), None, false)]
#[case::said_no(json!({"email": "a@x.example", "email_verified": false}), None, false)]
#[case::a_text(json!({"email": "a@x.example", "email_verified": "true"}), None, false)]
#[case::a_number(json!({"email": "a@x.example", "email_verified": 1}), None, false)]
#[case::a_list(json!({"email": "a@x.example", "email_verified": [true]}), None, false)]
#[case::null(json!({"email": "a@x.example", "email_verified": null}), None, false)]
#[case::userinfo_alone(
    json!({}), Some(json!({"email": "a@x.example", "email_verified": true})), true
)]
#[case::userinfo_on_the_same_address(
    json!({"email": "a@x.example"}), Some(json!({"email": "A@x.example", "email_verified": true})), true
)]
#[case::userinfo_on_another_address(
    json!({"email": "a@x.example"}), Some(json!({"email": "b@x.example", "email_verified": true})), false
)]
#[case::userinfo_without_an_address(
    json!({"email": "a@x.example"}), Some(json!({"email_verified": true})), false
)]
#[case::a_word_without_an_address(
    json!({"email_verified": true}), Some(json!({"email": "a@x.example"})), false
)]
#[case::userinfo_against_the_token(
    json!({"email": "a@x.example", "email_verified": false}),
    Some(json!({"email": "a@x.example", "email_verified": true})),
    false
)]
#[case::the_token_says_no_without_an_address(
    json!({"email_verified": false}),
    Some(json!({"email": "a@x.example", "email_verified": true})),
    false
)]
fn an_address_is_verified_by_the_word_of_its_own_document(
    #[case] id_token: Value,
    #[case] userinfo: Option<Value>,
    #[case] verified: bool,
) {
    let told = email(id_token, userinfo).unwrap().unwrap();
    assert_eq!(told.address.as_str(), "a@x.example");
    assert_eq!(told.verified, verified);
}

#[rstest]
#[case(json!({"email": ["a@x.example"]}))]
#[case(json!({"email": {"value": "a@x.example"}}))]
#[case(json!({"email": "a@x.example,b@x.example"}))]
#[case(json!({"email": ""}))]
fn what_is_no_address_is_refused(#[case] id_token: Value) {
    assert_eq!(email(id_token, None).unwrap_err().reason(), "claim_type");
}

#[rstest]
#[case("groups", json!({"groups": ["a", "b"]}), &["a", "b"])]
#[case("/realm_access/roles", json!({"realm_access": {"roles": ["a"]}}), &["a"])]
#[case("https://x.example/groups", json!({"https://x.example/groups": ["a"]}), &["a"])]
#[case("/a~1b/c~0d", json!({"a/b": {"c~d": ["a"]}}), &["a"])]
#[case("groups", json!({}), &[])]
#[case("/realm_access/roles", json!({"realm_access": "x"}), &[])]
fn groups_are_found_by_their_path(
    #[case] path: &str,
    #[case] claims: Value,
    #[case] expected: &[&str],
) {
    let mapping = Mapping {
        groups: Some(path.parse().unwrap()),
        ..Mapping::default()
    };
    let claims = object(claims);
    let told = Told {
        id_token: &claims,
        userinfo: None,
    };
    assert_eq!(mapping.groups(told).unwrap(), expected);
}

#[rstest]
#[case(json!({"groups": "admin"}))]
#[case(json!({"groups": [1]}))]
#[case(json!({"groups": {"admin": true}}))]
#[case(json!({"groups": vec!["x"; 501]}))]
fn what_is_no_list_of_groups_is_refused(#[case] claims: Value) {
    let mapping = Mapping {
        groups: Some("groups".parse().unwrap()),
        ..Mapping::default()
    };
    let claims = object(claims);
    let told = Told {
        id_token: &claims,
        userinfo: None,
    };
    assert_eq!(mapping.groups(told).unwrap_err().reason(), "claim_type");
}

#[test]
fn a_mapping_is_read_from_json_with_the_usual_claims_as_default() {
    let mapping: Mapping = serde_json::from_value(json!({"groups": "/a/b"})).unwrap();
    assert_eq!(mapping.email.as_str(), "email");
    assert_eq!(mapping.groups.unwrap().as_str(), "/a/b");
    assert!(serde_json::from_value::<Mapping>(json!({"grops": "x"})).is_err());
    assert!(serde_json::from_value::<Mapping>(json!({"email": ""})).is_err());
}
