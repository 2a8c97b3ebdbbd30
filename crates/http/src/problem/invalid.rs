//! The fields of a request that were refused.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use vestibule_model::Invalid;

use super::Problem;

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The path of the field in the body or query: `name`, `grants[0].path`.
    pub field: String,
    /// The stable cause.
    pub reason: Cow<'static, str>,
    /// The value that would be right.
    pub message: String,
}

impl FieldError {
    /// Names the field that a value was refused in.
    pub fn new(field: impl Into<String>, invalid: Invalid) -> Self {
        Self {
            field: field.into(),
            reason: invalid.reason.into(),
            message: invalid.message,
        }
    }
}

/// 422 (400 on `/api`): a value was refused, of a field that is not known here. A handler that
/// knows the field says so with [`Problem::invalid`] and [`FieldError::new`].
impl From<Invalid> for Problem {
    fn from(Invalid { reason, message }: Invalid) -> Self {
        let detail = format!("A value was refused: it {message}.");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason, detail)
    }
}

impl Problem {
    /// The most refused fields that an answer names, so that it is never longer than what it
    /// answers.
    pub const MOST_FIELDS: usize = 50;

    /// 422 (400 on `/api`): these fields were refused. The first fifty are named.
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        let unnamed = errors.len().saturating_sub(Self::MOST_FIELDS);
        errors.truncate(Self::MOST_FIELDS);
        Self::invalid_and_more(errors, unnamed)
    }

    /// 422 (400 on `/api`): these fields were refused, and so many more.
    pub fn invalid_and_more(errors: Vec<FieldError>, unnamed: usize) -> Self {
        let more = errors.len() + unnamed;
        let detail = match errors.as_slice() {
            [one] if unnamed == 0 => format!("{}: {}", one.field, one.message),
            [first, ..] => format!(
                "{}: {} ({} more {} refused)",
                first.field,
                first.message,
                more - 1,
                if more == 2 {
                    "field was"
                } else {
                    "fields were"
                }
            ),
            [] => "the request was refused".to_owned(),
        };
        let reason = errors
            .first()
            .map_or(Cow::Borrowed("invalid_field"), |error| error.reason.clone());
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason, detail);
        problem.0.errors = errors;
        if unnamed == 0 {
            return problem;
        }
        problem.hint(format!(
            "{unnamed} more fields are wrong than are named here: correct these first."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(count: usize) -> Vec<FieldError> {
        let error = |at| FieldError {
            field: format!("grants[{at}].path"),
            reason: "invalid_path".into(),
            message: "must be a path".to_owned(),
        };
        (0..count).map(error).collect()
    }

    #[test]
    fn a_value_without_a_field_is_refused_with_its_own_reason() {
        let invalid = Invalid::new("invalid_path", "must begin with a slash");
        let problem = Problem::from(invalid);
        let told = "A value was refused: it must begin with a slash.";
        assert_eq!((problem.reason(), problem.detail()), ("invalid_path", told));
    }

    #[test]
    fn of_many_refused_fields_the_first_are_named_and_the_others_counted() {
        let few = Problem::invalid(errors(Problem::MOST_FIELDS));
        assert_eq!((few.0.errors.len(), few.way_out()), (50, None));
        let many = Problem::invalid(errors(1_000));
        assert_eq!(many.0.errors.len(), 50);
        assert!(many.detail().ends_with("(999 more fields were refused)"));
        assert!(many.way_out().unwrap().starts_with("950 more fields"));
    }
}
