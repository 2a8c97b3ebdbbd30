//! Paths of resources, as grants name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Invalid, UserId};

/// A canonical resource path: `/`, or `/` before each of its segments, as in `/shared/eng`.
///
/// No empty segment, no `.` or `..`, no trailing slash, no control character, no `\`; at most 1,024
/// bytes. Two paths are the same resource exactly when they are the same text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourcePath(Box<str>);

impl ResourcePath {
    /// The longest path, in bytes.
    pub const MAX_BYTES: usize = 1_024;

    /// The path that covers everything.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The folder that belongs to a user: `/users/{id}`.
    pub fn home_of(user: UserId) -> Self {
        Self(format!("/users/{user}").into())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this path is `other` or an ancestor of it, by whole segments: `/shared/eng`
    /// covers `/shared/eng/specs` and not `/shared/engineering`.
    pub fn covers(&self, other: &Self) -> bool {
        self.covers_text(&other.0)
    }

    /// [`covers`](Self::covers) for a text that [`check`](Self::check) has accepted, so that a
    /// decision needs no copy of it.
    pub fn covers_text(&self, other: &str) -> bool {
        if &*self.0 == "/" {
            return true;
        }
        match other.strip_prefix(&*self.0) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// Checks that a text is a canonical path. Allocates only for an error.
    pub fn check(text: &str) -> Result<(), Invalid> {
        if text.len() > Self::MAX_BYTES {
            return Err(Invalid::new(
                "path_too_long",
                "must have at most 1024 bytes",
            ));
        }
        if text == "/" || is_canonical(text.as_bytes()) {
            Ok(())
        } else {
            Err(Invalid::new(
                "invalid_path",
                "must be a path such as /shared/eng: starting with a slash, not ending with one, \
                 without empty, '.' or '..' segments, backslashes or control characters",
            ))
        }
    }

    /// The path one segment below this one.
    pub fn join(&self, segment: &str) -> Result<Self, Invalid> {
        if segment.contains('/') {
            return Err(Invalid::new("invalid_segment", "must not contain a slash"));
        }
        match &*self.0 {
            "/" => format!("/{segment}").parse(),
            parent => format!("{parent}/{segment}").parse(),
        }
    }

    /// The path one segment above; nothing above the root.
    pub fn parent(&self) -> Option<Self> {
        match self.0.rsplit_once('/') {
            _ if &*self.0 == "/" => None,
            Some(("", _)) => Some(Self::root()),
            Some((parent, _)) => Some(Self(parent.into())),
            None => None,
        }
    }

    /// This path with its beginning `from` replaced by `to`; unchanged when `from` does not cover
    /// it. A grant follows its folder this way.
    #[must_use]
    pub fn rebased(&self, from: &Self, to: &Self) -> Self {
        // The root cannot move, so that nothing is rebased from it.
        if !from.covers(self) || &*from.0 == "/" {
            return self.clone();
        }
        let Some(rest) = self.0.strip_prefix(&*from.0) else {
            return self.clone();
        };
        match (&*to.0, rest) {
            ("/", "") => Self::root(),
            ("/", rest) => Self(rest.into()),
            (to, rest) => Self(format!("{to}{rest}").into()),
        }
    }
}

/// Returns whether UTF-8 text is a path of one segment or more. Makes one pass over the bytes,
/// because every request waits for it.
fn is_canonical(path: &[u8]) -> bool {
    let refused = |(at, byte): (usize, &u8)| match byte {
        b'/' => matches!(
            path.get(at + 1..).unwrap_or_default(),
            [] | [b'/', ..] | [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..]
        ),
        // Unicode's category Cc: U+0000 to U+001F and U+007F to U+009F.
        0..=0x1f | 0x7f | b'\\' => true,
        0x80..=0x9f => at.checked_sub(1).and_then(|before| path.get(before)) == Some(&0xc2),
        _ => false,
    };
    path.first() == Some(&b'/') && !path.iter().enumerate().any(refused)
}

impl FromStr for ResourcePath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::check(text).map(|()| Self(text.into()))
    }
}

impl fmt::Display for ResourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ResourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for ResourcePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ResourcePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn path(text: &str) -> ResourcePath {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("/", "/shared", true)]
    #[case("/shared", "/shared", true)]
    #[case("/shared/eng", "/shared/eng/specs", true)]
    #[case("/shared/eng", "/shared/engineering", false)]
    #[case("/shared/eng/specs", "/shared/eng", false)]
    #[case("/Shared", "/shared", false)]
    fn a_path_covers_itself_and_what_lies_below(
        #[case] above: &str,
        #[case] below: &str,
        #[case] covers: bool,
    ) {
        assert_eq!(path(above).covers(&path(below)), covers);
    }

    #[rstest]
    #[case("")]
    #[case("shared")]
    #[case("//")]
    #[case("/shared/")]
    #[case("/shared//eng")]
    #[case("/shared/./eng")]
    #[case("/shared/../private")]
    #[case("/shared\\eng")]
    #[case("/shared\n")]
    fn only_the_canonical_spelling_is_a_path(#[case] text: &str) {
        assert_eq!(
            text.parse::<ResourcePath>().unwrap_err().reason,
            "invalid_path"
        );
    }

    #[rstest]
    #[case("/shared/f/x", "/shared/f", "/private/f", "/private/f/x")]
    #[case("/shared/f", "/shared/f", "/f", "/f")]
    #[case("/shared/fx", "/shared/f", "/private/f", "/shared/fx")]
    #[case("/shared/f/x", "/shared/f", "/", "/x")]
    fn a_grant_s_path_follows_its_folder(
        #[case] before: &str,
        #[case] from: &str,
        #[case] to: &str,
        #[case] after: &str,
    ) {
        assert_eq!(path(before).rebased(&path(from), &path(to)), path(after));
    }

    proptest! {
        #[test]
        fn no_path_has_a_control_character(text in "/[a-z\\\\\u{0}-\u{ff}\u{100}-\u{2ff}]{1,8}") {
            let refused = |c: char| c.is_control() || c == '\\';
            let segment = |segment: &str| {
                !segment.is_empty() && segment != "." && segment != ".." && !segment.chars().any(refused)
            };
            let expected = text.split('/').skip(1).all(segment);
            prop_assert_eq!(ResourcePath::check(&text).is_ok(), expected);
        }

        #[test]
        fn the_parent_covers_its_child(parent in "(/[a-c]{1,3}){1,4}", name in "[a-c]{1,3}") {
            let parent = path(&parent);
            let child = parent.join(&name).unwrap();
            prop_assert!(parent.covers(&child));
            prop_assert!(!child.covers(&parent));
            prop_assert_eq!(child.parent().unwrap(), parent);
        }
    }
}
