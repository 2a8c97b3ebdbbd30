//! Collection of everything that is wrong with a request, so that one answer names every field.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use vestibule_model::{Invalid, Timestamp};

use crate::{FieldError, Paging, Problem};

/// The refused fields of one request.
///
/// A method that refuses a value records the field and returns `None`; [`finish`](Self::finish)
/// then returns the problem, so that a caller need not handle that `None` otherwise. The first
/// [`Problem::MOST_FIELDS`] are kept, further ones counted.
///
/// ```
/// use vestibule_http::Fields;
/// use vestibule_model::Name;
///
/// let mut fields = Fields::default();
/// let name: Option<Name> = fields.parse("name", " ");
/// let limit = fields.number("limit", Some("101"), 1..=100, 20);
/// let problem = fields.finish_with(name.map(|name| (name, limit))).unwrap_err();
/// assert!(problem.detail().ends_with("(1 more field was refused)"));
/// ```
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldError>,
    unnamed: usize,
}

impl Fields {
    /// Refuses a field.
    pub fn refuse(
        &mut self,
        field: impl Into<String>,
        reason: &'static str,
        message: impl Into<String>,
    ) {
        if self.errors.len() == Problem::MOST_FIELDS {
            self.unnamed += 1;
            return;
        }
        self.errors.push(FieldError {
            field: field.into(),
            reason: reason.into(),
            message: message.into(),
        });
    }

    /// Returns the value, unless its own type refused it.
    pub fn take<T>(&mut self, field: &str, value: Result<T, Invalid>) -> Option<T> {
        value
            .map_err(|invalid| self.refuse(field, invalid.reason, invalid.message))
            .ok()
    }

    /// Parses a text.
    pub fn parse<T: FromStr<Err = Invalid>>(&mut self, field: &str, text: &str) -> Option<T> {
        self.take(field, text.parse())
    }

    /// Parses a text that may be absent.
    pub fn parse_optional<T: FromStr<Err = Invalid>>(
        &mut self,
        field: &str,
        text: Option<&str>,
    ) -> Option<T> {
        text.and_then(|text| self.parse(field, text))
    }

    /// Parses a whole number within bounds. Returns `default` where the text is absent or refused.
    pub fn number(
        &mut self,
        field: &str,
        text: Option<&str>,
        bounds: RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        let Some(text) = text else {
            return default;
        };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                let (least, most) = (bounds.start(), bounds.end());
                let message = format!("must be a whole number from {least} to {most}");
                self.refuse(field, "out_of_range", message);
                default
            }
        }
    }

    /// Parses `true` or `false`, where the text is present.
    pub fn flag(&mut self, field: &str, text: Option<&str>) -> Option<bool> {
        let parsed = text?.parse().map_err(|_| {
            let message = "must be true or false";
            Invalid::new("invalid_value", message)
        });
        self.take(field, parsed)
    }

    /// Parses a moment in RFC 3339, where the text is present.
    pub fn moment(&mut self, field: &str, text: Option<&str>) -> Option<Timestamp> {
        let text = text?;
        // Some clients write an offset without its colon, which RFC 3339 does not know.
        let parsed = Timestamp::parse(text).or_else(|invalid| {
            let colon = text.len().saturating_sub(2);
            match text.split_at_checked(colon) {
                Some((before, after)) => {
                    Timestamp::parse(&format!("{before}:{after}")).map_err(|_| invalid)
                }
                None => Err(invalid),
            }
        });
        self.take(field, parsed)
    }

    /// Parses the two numbers that say which part of a list is wanted.
    pub fn paging(&mut self, limit: Option<&str>, offset: Option<&str>) -> Paging {
        Paging {
            limit: self.number("limit", limit, 1..=Paging::MAX_LIMIT, Paging::DEFAULT_LIMIT),
            offset: self.number("offset", offset, 0..=Paging::MAX_OFFSET, 0),
        }
    }

    /// Returns the problem if any field was refused.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid_and_more(self.errors, self.unnamed))
        }
    }

    /// Returns the value if no field was refused. A value is `None` only if one was.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish()?;
        value.ok_or_else(Problem::internal)
    }
}

/// A text of a body, already converted into its own type or refused by it. [`Fields::take`]
/// reports the refusal together with whatever else is wrong.
///
/// For secrets, which never exist as a plain `String` of the handler's. Other values stay a text
/// and are [parsed](Fields::parse).
#[derive(Debug)]
pub struct Sent<T>(pub Result<T, Invalid>);

impl<'de, T: TryFrom<String, Error = Invalid>> Deserialize<'de> for Sent<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.try_into()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use vestibule_model::Name;

    use super::*;

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut fields = Fields::default();
        let name: Option<Name> = fields.parse("name", " ");
        let limit = fields.number("limit", Some("101"), 1..=100, 20);
        assert_eq!((name, limit), (None, 20));
        let reasons: Vec<_> = fields.errors.iter().map(|error| &*error.reason).collect();
        assert_eq!(reasons, ["empty_name", "out_of_range"]);
    }

    #[rstest]
    #[case(None, Some(20))]
    #[case(Some("1"), Some(1))]
    #[case(Some("100"), Some(100))]
    #[case(Some("0"), None)]
    #[case(Some("101"), None)]
    #[case(Some("-1"), None)]
    #[case(Some("1.5"), None)]
    #[case(Some("99999999999"), None)]
    #[case(Some(""), None)]
    fn a_number_keeps_to_its_bounds(#[case] text: Option<&str>, #[case] number: Option<u32>) {
        let mut fields = Fields::default();
        let read = fields.number("limit", text, 1..=100, 20);
        assert_eq!(fields.finish().ok().map(|()| read), number);
    }
}
