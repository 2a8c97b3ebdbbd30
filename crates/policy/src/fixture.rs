//! Callers for tests, told in a few words.

use std::collections::BTreeMap;
use std::sync::Arc;

use vestibule_model::{
    Capability, CredentialRef, Grant, GrantHolder, HeldGrant, Plan, Principal, ResourcePath, Role,
    Timestamp,
};

pub(crate) fn path(text: &str) -> ResourcePath {
    text.parse().unwrap()
}

/// An id of any kind with this number.
pub(crate) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(number: usize) -> T {
    format!("{number:032x}").parse().unwrap()
}

/// A caller with the home `/users/abc`, a plan with the feature `agents`, and what `holds` tells,
/// separated by `; `:
///
/// - `RO /shared`, `RW /a +approve`: a grant of the user's own;
/// - `G RO /shared`: the same through a group;
/// - `50 RO /shared/f`: 50 of them, on `/shared/f0` to `/shared/f49`;
/// - `RO /shared/f -> /private/f`: a grant whose folder was moved since;
/// - `key`: calls by an API key; `key RO /shared`: by one that is narrowed to this and what else
///   is told so.
pub(crate) fn caller(role: Role, holds: &str) -> Principal {
    let (mut own, mut narrowed_to) = (Vec::new(), None::<Vec<HeldGrant>>);
    let mut caller = Principal {
        user_id: id(0xabc),
        organization_id: id(1),
        role,
        home: path("/users/abc"),
        grants: [].into(),
        narrowed_to: None,
        plan: Arc::new(Plan {
            name: "team".parse().unwrap(),
            features: ["agents".to_owned()].into(),
            seats: None,
            limits: BTreeMap::new(),
        }),
        credential: CredentialRef::AccessToken(id(2)),
        expires_at: None,
    };
    let mut number = 100;
    for item in holds.split("; ").filter(|item| !item.is_empty()) {
        let (is_key, item) = match item.strip_prefix("key") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, item),
        };
        if is_key {
            caller.credential = CredentialRef::ApiKey(id(3));
        }
        if item.is_empty() {
            continue;
        }
        for grant in grants(item, &mut number) {
            if is_key {
                narrowed_to.get_or_insert_default().push(grant);
            } else {
                own.push(grant);
            }
        }
    }
    caller.grants = own.into();
    caller.narrowed_to = narrowed_to.map(Into::into);
    caller
}

fn grants(item: &str, number: &mut usize) -> Vec<HeldGrant> {
    let (item, through) = match item.strip_prefix("G ") {
        Some(rest) => (rest, Some(id(4))),
        None => (item, None),
    };
    let (item, can_approve) = match item.strip_suffix(" +approve") {
        Some(rest) => (rest, true),
        None => (item, false),
    };
    let (item, many) = match item.strip_prefix("50 ") {
        Some(rest) => (rest, true),
        None => (item, false),
    };
    let (capability, place) = item.split_once(' ').unwrap();
    let place = match place.split_once(" -> ") {
        Some((from, to)) => path(from).rebased(&path(from), &path(to)),
        None => path(place),
    };
    let places = if many {
        (0..50).map(|n| path(&format!("{place}{n}"))).collect()
    } else {
        vec![place]
    };
    places
        .into_iter()
        .map(|path| {
            *number += 1;
            HeldGrant {
                id: id(*number),
                through,
                path,
                capability: self::capability(capability),
                can_approve,
            }
        })
        .collect()
}

pub(crate) fn capability(short: &str) -> Capability {
    match short {
        "RO" => Capability::ReadOnly,
        "RW" => Capability::ReadWrite,
        "RWD" => Capability::ReadWriteDelete,
        other => panic!("{other} is no capability"),
    }
}

/// The caller's own grants as the store holds them; those of groups are the groups'.
pub(crate) fn stored(caller: &Principal) -> Vec<Grant> {
    let own = caller.grants.iter().filter(|held| held.through.is_none());
    own.map(|held| Grant {
        id: held.id,
        organization_id: caller.organization_id,
        holder: GrantHolder::User(caller.user_id),
        path: held.path.clone(),
        capability: held.capability,
        can_approve: held.can_approve,
        created_at: Timestamp::from_seconds(0),
        updated_at: Timestamp::from_seconds(0),
    })
    .collect()
}
