//! Reading what callers send, so that one answer names every field that is wrong.

use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde::{Deserialize, Deserializer};
use vestibule_http::{FieldError, Problem};
use vestibule_model::Invalid;

/// The fields of one request, and what is wrong with them.
///
/// A method that finds something wrong notes it and gives `None`; [`finish`](Self::finish) then
/// refuses, so a caller need not handle that `None` otherwise. As many are kept as an answer names.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    errors: Vec<FieldError>,
    unnamed: usize,
}

impl Fields {
    /// Notes what is wrong with a field.
    pub(crate) fn refuse(
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

    /// The value, unless its own type refused it.
    pub(crate) fn take<T>(&mut self, field: &str, value: Result<T, Invalid>) -> Option<T> {
        value
            .map_err(|invalid| self.refuse(field, invalid.reason, invalid.message))
            .ok()
    }

    /// The value that a text stands for.
    pub(crate) fn parse<T: FromStr<Err = Invalid>>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<T> {
        self.take(field, text.parse())
    }

    /// The value that a text stands for, where there is one.
    pub(crate) fn parse_optional<T: FromStr<Err = Invalid>>(
        &mut self,
        field: &str,
        text: Option<&str>,
    ) -> Option<T> {
        text.and_then(|text| self.parse(field, text))
    }

    /// A whole number within bounds, or its default where there is none.
    pub(crate) fn number(
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

    /// Refuses if anything was wrong.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid_and_more(self.errors, self.unnamed))
        }
    }

    /// The value, when nothing was wrong. A value is missing only when something was.
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish()?;
        value.ok_or_else(Problem::internal)
    }
}

/// A text of a body as its own type takes it, or what that type says against it:
/// [`Fields::take`] names it then together with whatever else is wrong.
///
/// For secrets, which have their own type from here on. Others stay a text and are
/// [parsed](Fields::parse).
pub(crate) struct Sent<T>(pub(crate) Result<T, Invalid>);

impl<'de, T: TryFrom<String, Error = Invalid>> Deserialize<'de> for Sent<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.try_into()))
    }
}

/// The id in a path such as `/v1/api-keys/{id}`, in either spelling.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr<Err = Invalid>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::bad_request("path_not_canonical", "The path is not UTF-8."))?;
        let mut fields = Fields::default();
        let id = params
            .iter()
            .next()
            .and_then(|(name, text)| fields.parse(name, text));
        fields.finish_with(id).map(Self)
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
