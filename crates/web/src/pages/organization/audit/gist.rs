//! What a record is about, in a few words: enough to find it again in a long list.

use serde_json::Value;
use vestibule_model::UserId;

use super::Names;
use crate::words;

/// What is told of a thing, in this order.
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

/// What of a refusal is told.
const REFUSED: [&str; 3] = ["method", "route", "reason"];

/// Whom or what it was done to, and what changed; empty where nothing is known that a person would
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
        let whole = || text(&details[*name]);
        change(text(&before[*name]), text(&after[*name])).or_else(whole)
    }));
    told.extend(REFUSED.iter().filter_map(|name| text(&details[*name])));
    told
}

/// The text, as the other pages say it.
fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let role = || text.parse().ok().map(|role| words::role(&role));
    let capability = || text.parse().ok().map(|held| words::capability(&held));
    let said = role().or_else(capability);
    Some(said.unwrap_or(text).to_owned())
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
