//! The formats of errors.

use vestibule_policy::RouteTag;

/// The format in which a route answers with errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ErrorFormat {
    /// `application/problem+json` (RFC 9457), as all of `/v1` has it.
    #[default]
    ProblemJson,
    /// `{"error": …}`, as all of `/api` has it.
    ErrorJson,
    /// A page for people.
    Page,
}

/// The check returns the tag of a route with each verdict, and reads nothing from it.
impl From<ErrorFormat> for RouteTag {
    fn from(format: ErrorFormat) -> Self {
        Self(match format {
            ErrorFormat::ProblemJson => 0,
            ErrorFormat::ErrorJson => 1,
            ErrorFormat::Page => 2,
        })
    }
}

/// A tag that this crate has not made means [`ErrorFormat::ProblemJson`].
impl From<RouteTag> for ErrorFormat {
    fn from(tag: RouteTag) -> Self {
        match tag.0 {
            1 => Self::ErrorJson,
            2 => Self::Page,
            _ => Self::ProblemJson,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_survives_the_way_through_the_check() {
        for format in [
            ErrorFormat::ProblemJson,
            ErrorFormat::ErrorJson,
            ErrorFormat::Page,
        ] {
            assert_eq!(ErrorFormat::from(RouteTag::from(format)), format);
        }
        assert_eq!(
            ErrorFormat::from(RouteTag::default()),
            ErrorFormat::ProblemJson
        );
    }
}
