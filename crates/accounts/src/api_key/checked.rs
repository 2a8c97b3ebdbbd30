//! What is asked of a new key before anything is stored.

use vestibule_model::{ApiKey, CredentialRef, Grant, GrantHolder, GrantId, Timestamp};
use vestibule_policy::{GrantRefusal, grants};

use crate::error::FieldError;
use crate::grant::NewGrant;
use crate::{Accounts, Caller, Error, Result};

/// The longest that the paths of a key's grants may be in all, in bytes: they are kept in memory
/// with the key, and shown in every list.
const MAX_PATH_BYTES: usize = 8 * 1024;

/// A value, or all that is wrong with it.
pub(super) type Checked<T> = std::result::Result<T, Vec<FieldError>>;

/// The grants of a list that add nothing to the others. Of two that are equal the later is named.
fn covered_by_others(grants: &[Grant]) -> Vec<FieldError> {
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

impl Accounts {
    /// The grants of a new key, each of which has to give it something.
    pub(super) fn key_grants(&self, key: &ApiKey, wanted: Vec<NewGrant>) -> Checked<Vec<Grant>> {
        if wanted.is_empty() {
            return Err(vec![FieldError::new(
                "grants",
                "empty_grants",
                "must not be empty, for such a key could do nothing; leave it out for a key with \
                 all rights of its owner",
            )]);
        }
        if wanted.len() > Grant::MAX_PER_API_KEY {
            return Err(vec![FieldError::new(
                "grants",
                "too_many_grants",
                format!("must have at most {} entries", Grant::MAX_PER_API_KEY),
            )]);
        }
        let bytes: usize = wanted.iter().map(|new| new.path.as_str().len()).sum();
        if bytes > MAX_PATH_BYTES {
            return Err(vec![FieldError::new(
                "grants",
                "grants_too_long",
                format!("must have paths of at most {MAX_PATH_BYTES} bytes in all"),
            )]);
        }
        let grants: Vec<_> = wanted
            .into_iter()
            .map(|new| Grant {
                id: GrantId::mint(self.clock(), self.entropy()),
                organization_id: key.organization_id,
                holder: GrantHolder::ApiKey(key.id),
                path: new.path,
                capability: new.capability,
                can_approve: new.can_approve,
                created_at: key.created_at,
                updated_at: key.created_at,
            })
            .collect();
        let covered = covered_by_others(&grants);
        if covered.is_empty() {
            Ok(grants)
        } else {
            Err(covered)
        }
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
