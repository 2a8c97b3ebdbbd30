//! What is asked of a new key before anything is stored.

use vestibule_model::{CredentialRef, Grant, Timestamp};
use vestibule_policy::{GrantRefusal, grants};

use crate::error::FieldError;
use crate::{Caller, Error, Result};

/// A value, or all that is wrong with it.
pub(super) type Checked<T> = std::result::Result<T, Vec<FieldError>>;

/// The grants of a list that add nothing to the others. Of two that are equal the later is named.
pub(super) fn covered_by_others(grants: &[Grant]) -> Vec<FieldError> {
    let same = |one: &Grant, other: &Grant| {
        (&one.path, one.capability, one.can_approve)
            == (&other.path, other.capability, other.can_approve)
    };
    let covered = grants.iter().enumerate().filter_map(|(at, grant)| {
        let others = grants
            .iter()
            .enumerate()
            .filter(|(other_at, other)| *other_at < at || *other_at > at && !same(grant, other))
            .map(|(_, other)| other);
        let refusal = grants::admit(
            others,
            &grant.path,
            grant.capability,
            grant.can_approve,
            usize::MAX,
        );
        let Err(GrantRefusal::Covered { by, .. }) = refusal else {
            return None;
        };
        let by = grants.iter().position(|other| other.id == by).unwrap_or(at);
        Some(FieldError::new(
            format!("grants[{at}]"),
            "subsumed",
            format!("adds nothing to grants[{by}]; leave it out"),
        ))
    });
    covered.collect()
}

/// A key ends in the future, and not after the key that makes it.
pub(super) fn check_expiry(
    caller: &Caller,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Checked<()> {
    let refused =
        |reason, message: String| Err(vec![FieldError::new("expires_at", reason, message)]);
    if expires_at.is_some_and(|end| end <= now) {
        return refused("not_in_future", "must lie in the future".to_owned());
    }
    // A key that ends may not leave one behind that does not. Sessions are signed in to again.
    // Exhaustive, so that a new kind of credential has to say what it may leave behind.
    let creating = caller
        .permit()
        .and_then(|permit| match permit.credential() {
            CredentialRef::ApiKey(_) => permit.principal().expires_at,
            CredentialRef::AccessToken(_) | CredentialRef::SessionCookie(_) => None,
        });
    match creating {
        Some(latest) if expires_at.is_none_or(|end| end > latest) => refused(
            "outlives_creating_key",
            format!("must not be later than {latest}, when the key that creates this one ends"),
        ),
        _ => Ok(()),
    }
}

/// Both, or all that is wrong with either.
pub(super) fn collect<T>(one: Checked<()>, other: Checked<T>) -> Result<T> {
    match (one, other) {
        (Ok(()), Ok(value)) => Ok(value),
        (one, other) => {
            let fields = one.err().into_iter().chain(other.err()).flatten();
            Err(Error::Invalid(fields.collect()))
        }
    }
}
