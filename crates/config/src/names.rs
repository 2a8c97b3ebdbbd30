//! Names of keys: looked up, and suggested for a name that is nearly right.

use super::keys::KEYS;
use super::kind::Kind;

/// The meaning of a name in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A key, or one of a plan.
    Key(Kind),
    /// The name of a secret with `_file` behind it: its value is the path of a file.
    FileOf(&'static str),
}

/// Looks a name up.
pub(crate) fn lookup(name: &str) -> Option<Known> {
    let plain = name.strip_suffix("_file").unwrap_or(name);
    for key in KEYS {
        if key.name == name {
            return Some(Known::Key(key.kind));
        }
        if key.kind == Kind::Secret && key.name == plain {
            return Some(Known::FileOf(key.name));
        }
    }
    let parts: Vec<_> = name.split('.').collect();
    match parts.as_slice() {
        ["plans", _, "features"] => Some(Known::Key(Kind::List)),
        ["plans", _, "seats"] | ["plans", _, "limits", _] => Some(Known::Key(Kind::Count)),
        _ => None,
    }
}

/// Returns true if the key may hold a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    KEYS.iter()
        .any(|key| key.name == name && key.kind == Kind::Secret)
}

/// All names, for suggestions, with `plan` as the name of a plan.
pub(crate) fn all(plan: &str) -> Vec<String> {
    let mut names = Vec::new();
    for key in KEYS {
        names.push(key.name.to_owned());
        if key.kind == Kind::Secret {
            names.push(format!("{}_file", key.name));
        }
    }
    names.push(format!("plans.{plan}.features"));
    names.push(format!("plans.{plan}.seats"));
    names
}

/// Returns the candidate nearest to `text`, if it is near enough to be what was meant.
pub(crate) fn nearest(text: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    // A third of the characters may be wrong: beyond that, unrelated keys of the same length match.
    let most = (text.len() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (strsim::levenshtein(text, &candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_an_unrelated_name_is_not() {
        let keys = || ["server.listen", "server.public_url", "log.level"].map(str::to_owned);
        assert_eq!(
            nearest("server.lisen", keys()).as_deref(),
            Some("server.listen")
        );
        assert_eq!(
            nearest("server.public-url", keys()).as_deref(),
            Some("server.public_url")
        );
        assert_eq!(nearest("billing.currency", keys()), None);
    }
}
