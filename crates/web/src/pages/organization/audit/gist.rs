//! What a record is about, in a few words: enough to find it again in a long list.

use serde_json::Value;
use vestibule_model::UserId;

use super::Names;
use crate::words;

/// The details that are shown of a subject, in this order.
const TOLD: [&str; 8] = [
    "name",
    "email",
    "path",
    "capability",
    "role",
    "plan",
    "uri",
    "domain",
];

/// The details that are shown of a refusal.
const REFUSED: [&str; 3] = ["method", "route", "reason"];

/// Returns the subject of a record and its changes. Empty if there is nothing that a person would
/// recognise.
pub(super) fn gist(subject: &str, details: &str, names: &Names) -> Vec<String> {
    let user = |text: &str| text.parse::<UserId>().ok().map(|id| names.of(id));
    let details: Value = serde_json::from_str(details).unwrap_or_default();
    let (before, after) = (&details["before"], &details["after"]);
    let mut told: Vec<String> = user(subject).into_iter().collect();
    let holder = [after, before]
        .into_iter()
        .find_map(|it| text(&it["holder"]));
    told.extend(holder.as_deref().and_then(user));
    // Some records name the thing itself in the place of what is known of it.
    told.extend(change(text(before), text(after)));
    told.extend(TOLD.iter().filter_map(|name| {
        let of = |thing: &Value| said(name, &thing[*name]);
        change(of(before), of(after)).or_else(|| of(&details))
    }));
    told.extend(REFUSED.iter().filter_map(|name| text(&details[*name])));
    told
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

/// A role or a capability as the other pages say it, and anything else as it stands: a name may
/// read like either.
fn said(name: &str, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let words = match name {
        "role" => text.parse().ok().map(|role| words::role(&role)),
        "capability" => text.parse().ok().map(|held| words::capability(&held)),
        _ => None,
    };
    Some(words.unwrap_or(text).to_owned())
}

fn change(before: Option<String>, after: Option<String>) -> Option<String> {
    match (before, after) {
        (Some(before), Some(after)) if before != after => Some(format!("{before} → {after}")),
        (before, after) => after.or(before),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        r#"{"after":{"name":"Nightly","suffix":"abcd","expires_at":null}}"#,
        &["Nightly"]
    )]
    #[case(
        r#"{"before":{"role":"USER"},"after":{"role":"ADMIN"}}"#,
        &["User → Administrator"]
    )]
    #[case(
        r#"{"after":{"path":"/shared","capability":"READ_ONLY","holder":"group_x"}}"#,
        &["/shared", "Read"]
    )]
    #[case(r#"{"role":"OWNER"}"#, &["Owner"])]
    #[case(r#"{"after":{"name":"ADMIN","suffix":"abcd"}}"#, &["ADMIN"])]
    #[case(
        r#"{"before":{"name":"READ_ONLY"},"after":{"name":"OWNER"}}"#,
        &["READ_ONLY → OWNER"]
    )]
    #[case(r#"{"name":"OWNER","version":1}"#, &["OWNER"])]
    #[case(r#"{"before":"/a","after":"/b","grants":[]}"#, &["/a → /b"])]
    #[case(
        r#"{"method":"GET","route":"/v1/documents","reason":"path_not_granted","count":2}"#,
        &["GET", "/v1/documents", "path_not_granted"]
    )]
    #[case(r#"{"sessions_ended":2}"#, &[])]
    #[case("not JSON", &[])]
    fn a_record_is_recognised(#[case] details: &str, #[case] expected: &[&str]) {
        assert_eq!(gist("key_1", details, &Names::default()), expected);
    }

    #[test]
    fn a_person_is_called_by_name_or_else_by_id() {
        let id = "user_01h455vb4pex5vsknk084sn02q";
        assert_eq!(gist(id, "{}", &Names::default()), [id]);
    }
}
