//! Whose credential it was, good or not.

use serde_json::{Value, json};
use vestibule_accounts::OnRecord;

/// Describes the credential, its user, and what rules it out, for a credential that the check
/// cannot describe.
pub(super) fn lines(presented: &OnRecord) -> Vec<String> {
    let caller = &presented.caller;
    let role = match &caller.membership {
        Some((role, _)) => format!("as {role} in"),
        None => "who is no member of".to_owned(),
    };
    let mut lines = vec![format!(
        "caller: {} ({}), {role} {}",
        presented.user.id, presented.user.email, caller.organization_id
    )];
    let name = presented.name.as_ref();
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let end = match (presented.ended_at, presented.expires_at) {
        (Some(at), _) => format!(", ended at {at}"),
        (None, Some(at)) => format!(", good until {at}"),
        (None, None) => String::new(),
    };
    lines.push(format!("credential: {}{name}{end}", presented.credential));
    let deactivated = caller.membership.and_then(|(_, since)| since);
    for (what, since) in [
        ("the user is suspended", caller.user_suspended_at),
        (
            "the organisation is deactivated",
            caller.organization_deactivated_at,
        ),
        ("the membership is deactivated", deactivated),
    ] {
        if let Some(since) = since {
            lines.push(format!("{what} since {since}"));
        }
    }
    lines
}

/// Describes the user that it stands for.
pub(super) fn json(presented: &OnRecord) -> Value {
    json!({
        "user_id": presented.user.id,
        "email": presented.user.email,
        "organization_id": presented.caller.organization_id,
        "role": presented.caller.membership.map(|(role, _)| role),
    })
}

/// Describes the credential.
pub(super) fn credential_json(presented: &OnRecord) -> Value {
    json!({
        "id": presented.credential.api_key().map(|id| id.to_string())
            .or_else(|| presented.credential.session().map(|id| id.to_string())),
        "kind": presented.credential.kind(),
        "name": presented.name,
        "expires_at": presented.expires_at,
        "ended_at": presented.ended_at,
    })
}
