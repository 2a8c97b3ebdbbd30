//! The values of the model that strangers spell: ids, paths, addresses, names, times.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use vestibule_credential::{Prefix, TokenId};
use vestibule_model::{
    ApiKeyId, AuditId, Capability, Change, Email, GrantId, GroupId, Name, OrganizationId, PlanName,
    ResourcePath, Role, SessionId, SigningKeyId, Timestamp, UserId,
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    id::<UserId>(text);
    id::<OrganizationId>(text);
    id::<ApiKeyId>(text);
    id::<SessionId>(text);
    id::<GroupId>(text);
    id::<GrantId>(text);
    id::<AuditId>(text);
    id::<SigningKeyId>(text);
    round_trip::<TokenId>(text);
    round_trip::<Change>(text);
    round_trip::<Email>(text);
    round_trip::<Name>(text);
    one_spelling::<PlanName>(text);
    one_spelling::<Role>(text);
    one_spelling::<Capability>(text);
    one_spelling::<Prefix>(text);
    path(text);
    time(text);
});

/// What is read is written so that it is read again as the same.
fn round_trip<T: FromStr + Display + PartialEq + Debug>(text: &str) -> Option<T>
where
    T::Err: Debug,
{
    let value: T = text.parse().ok()?;
    let again: T = value.to_string().parse().expect("what we write, we read");
    assert_eq!(again, value);
    assert_eq!(again.to_string(), value.to_string());
    Some(value)
}

fn one_spelling<T: FromStr + Display + PartialEq + Debug>(text: &str) -> Option<T>
where
    T::Err: Debug,
{
    let value = round_trip::<T>(text)?;
    assert_eq!(value.to_string(), text);
    Some(value)
}

/// An id has its own spelling and the UUID's, and no third.
fn id<T: FromStr + Display + PartialEq + Debug>(text: &str)
where
    T::Err: Debug,
{
    if let Some(id) = round_trip::<T>(text) {
        assert!(!text.contains('_') || id.to_string() == text);
    }
}

fn path(text: &str) {
    if let Some(path) = one_spelling::<ResourcePath>(text) {
        assert!(ResourcePath::root().covers(&path));
        assert!(path.covers(&path));
        if let Some(parent) = path.parent() {
            assert!(parent.covers(&path) && !path.covers(&parent));
            assert_eq!(path.rebased(&parent, &parent), path);
            let _: ResourcePath = parent.as_str().parse().expect("a parent is a path");
        }
        if let Ok(child) = path.join("x") {
            assert_eq!(child.parent(), Some(path));
        }
    }
    // Two paths in one input: the grant that moves with its folder stays a path.
    if let Some((from, rest)) = text.split_once(' ')
        && let Some((to, path)) = rest.split_once(' ')
        && let (Ok(from), Ok(to), Ok(path)) = (
            from.parse::<ResourcePath>(),
            to.parse::<ResourcePath>(),
            path.parse::<ResourcePath>(),
        )
    {
        let moved = path.rebased(&from, &to);
        if moved.as_str().len() <= ResourcePath::MAX_BYTES {
            let _: ResourcePath = moved.as_str().parse().expect("a moved path is a path");
        }
    }
}

fn time(text: &str) {
    if let Ok(moment) = Timestamp::parse(text) {
        let written = moment.to_string();
        assert_eq!(Timestamp::parse(&written), Ok(moment), "{written}");
        assert!(written.ends_with('Z'));
        assert_eq!(Timestamp::from_micros(moment.as_micros()), moment);
        assert!(Timestamp::from_seconds(moment.as_seconds()) <= moment);
    }
}
