//! The claims of a token, each read as its one type.

use serde_json::{Map, Value};
use vestibule_model::Timestamp;

use crate::refusal::SsoRefusal;

/// The last second that a [`Timestamp`] can hold: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// The longest subject, in bytes (OpenID Connect Core, 2).
pub(crate) const LONGEST_SUBJECT: usize = 255;

/// The claims of a token or of the userinfo endpoint.
#[derive(Clone, Copy)]
pub(crate) struct TokenClaims<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> TokenClaims<'a> {
    pub(crate) fn get(self, claim: &str) -> Option<&'a Value> {
        self.0.get(claim)
    }

    pub(crate) fn text(self, claim: &str) -> Result<&'a str, SsoRefusal> {
        self.optional_text(claim)?.ok_or_else(|| missing(claim))
    }

    pub(crate) fn optional_text(self, claim: &str) -> Result<Option<&'a str>, SsoRefusal> {
        match self.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(mistyped(claim, "a text")),
        }
    }

    pub(crate) fn moment(self, claim: &str) -> Result<Timestamp, SsoRefusal> {
        self.optional_moment(claim)?.ok_or_else(|| missing(claim))
    }

    /// Returns a `NumericDate` claim: seconds since 1970 (RFC 7519, 2). A fraction is allowed there
    /// and dropped here.
    pub(crate) fn optional_moment(self, claim: &str) -> Result<Option<Timestamp>, SsoRefusal> {
        let Some(value) = self.get(claim) else {
            return Ok(None);
        };
        let whole = value.as_i64().or_else(|| {
            let seconds = value.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "a float in range is cut")]
            (0.0..1e12).contains(&seconds).then_some(seconds as i64)
        });
        match whole {
            Some(seconds) if (0..=LAST_SECOND).contains(&seconds) => {
                Ok(Some(Timestamp::from_seconds(seconds)))
            }
            _ => Err(mistyped(claim, "a number of seconds since 1970")),
        }
    }

    /// Returns a claim that is one text or a list of texts. An empty list is refused.
    pub(crate) fn texts(self, claim: &str) -> Result<Vec<&'a str>, SsoRefusal> {
        let expected = "a text or a list of texts";
        match self.get(claim) {
            None => Err(missing(claim)),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) if !items.is_empty() => {
                let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                texts.ok_or_else(|| mistyped(claim, expected))
            }
            Some(_) => Err(mistyped(claim, expected)),
        }
    }
}

pub(crate) fn missing(claim: &str) -> SsoRefusal {
    SsoRefusal::ClaimMissing {
        claim: claim.to_owned(),
    }
}

pub(crate) fn mistyped(claim: &str, expected: &'static str) -> SsoRefusal {
    SsoRefusal::ClaimType {
        claim: claim.to_owned(),
        expected,
    }
}

/// Returns true if a text can be a subject (OpenID Connect Core, 2): 1 to 255 bytes, without control
/// characters.
pub(crate) fn is_subject(text: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&text.len())
        && !text.chars().any(char::is_control)
        && text.trim() == text
}
