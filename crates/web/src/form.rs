//! What a form brings, and what is shown where it is refused.

use std::fmt;
use std::str::FromStr;

use axum::extract::{FromRequest, Request};
use http::StatusCode;
use vestibule_accounts::{Error, FieldError, PlainPassword};
use vestibule_handler::Failure;
use vestibule_http::{Problem, body};
use vestibule_model::Invalid;
use zeroize::Zeroizing;

use crate::text;
use crate::visit::Visit;
use crate::web::Web;

/// The content type of forms.
pub(crate) const FORM: &[&str] = &["application/x-www-form-urlencoded"];

/// The hidden field with the token of a form that creates something: sent twice, it creates once.
pub(crate) const TOKEN: &str = "form_token";

/// The fields of a form and what is wrong with them. An empty one is what a page begins with.
#[derive(Clone, Default)]
pub(crate) struct Form {
    /// Wiped in the end: one of them may be a secret.
    values: Vec<(String, Zeroizing<String>)>,
    errors: Vec<FieldError>,
    message: Option<String>,
    status: StatusCode,
}

/// Says which fields there are and not what stands in them, which may be a password.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

/// One line of the summary above a form.
pub(crate) struct Wrong<'a> {
    /// The field's id in the page.
    pub(crate) field: &'a str,
    /// The error, as a sentence.
    pub(crate) sentence: String,
}

impl Form {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let values = form_urlencoded::parse(text).into_owned();
        Self {
            values: values
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect(),
            ..Self::default()
        }
    }

    /// A form with a value to begin with.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values
            .push((name.to_owned(), Zeroizing::new(value.into())));
        self
    }

    /// The value of a field; empty where there is none. Of two under one name the first counts.
    pub(crate) fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// All values under one name.
    pub(crate) fn values<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let found = self.values.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns whether a checkbox or a choice is set.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Returns the error of a field.
    pub(crate) fn error(&self, name: &str) -> Option<&str> {
        let found = self.errors.iter().find(|error| error.field == name);
        found.map(|error| error.message.as_str())
    }

    /// Returns the error that belongs to no field.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns whether there are errors.
    pub(crate) fn is_refused(&self) -> bool {
        self.message.is_some() || !self.errors.is_empty()
    }

    /// Everything that is wrong, each as a sentence with the name of its field.
    pub(crate) fn wrong(&self) -> Vec<Wrong<'_>> {
        let sentence = |error: &FieldError| format!("{} {}.", label(&error.field), error.message);
        self.errors
            .iter()
            .map(|error| Wrong {
                field: &error.field,
                sentence: sentence(error),
            })
            .collect()
    }

    /// The status of the page that shows it.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Notes what is wrong with a field.
    pub(crate) fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self.errors
            .push(FieldError::new(field, "invalid_field", message));
    }

    /// Notes what is wrong with no single field.
    #[must_use]
    pub(crate) fn saying(mut self, status: StatusCode, message: impl Into<String>) -> Self {
        self.status = status;
        self.message = Some(message.into());
        self
    }

    /// Refuses a form whose token is missing, too old, or of another session. It is shown again
    /// with a token of now.
    #[must_use]
    pub(crate) fn stale(self) -> Self {
        self.saying(StatusCode::CONFLICT, t!("form.stale"))
    }

    /// The value that a field stands for; what is wrong with it is noted.
    pub(crate) fn read<T: FromStr<Err = Invalid>>(&mut self, name: &str) -> Option<T> {
        // Addresses and names are often pasted with a space or a line break at the end.
        let read = self.value(name).trim().parse::<T>();
        read.map_err(|invalid| self.refuse(name, invalid.message))
            .ok()
    }

    /// The same, of a field that may be left empty.
    pub(crate) fn read_optional<T: FromStr<Err = Invalid>>(&mut self, name: &str) -> Option<T> {
        if self.value(name).trim().is_empty() {
            return None;
        }
        self.read(name)
    }

    /// Takes a password out, so that the form does not keep it; what is wrong with it is noted.
    pub(crate) fn take_password(&mut self, name: &str) -> Option<PlainPassword> {
        // Taken and not copied: the form may be shown again, and nothing of it may hold the password then.
        let found = self.values.iter_mut().find(|(known, _)| known == name);
        let text = found.map(|(_, value)| std::mem::take(&mut **value));
        PlainPassword::try_from(text.unwrap_or_default())
            .map_err(|invalid| self.refuse(name, invalid.message))
            .ok()
    }

    /// The form to show again, where what is wrong is the form's; what is not, is a failure.
    pub(crate) fn refused(mut self, error: Error) -> Result<Self, Failure> {
        match error {
            Error::Invalid(fields) => {
                self.errors.extend(fields);
                self.status = StatusCode::UNPROCESSABLE_ENTITY;
                Ok(self)
            }
            Error::Conflict { ref message, .. } => {
                let message = message.clone();
                Ok(self.saying(StatusCode::CONFLICT, message))
            }
            Error::TooManyGrants { .. } => {
                Ok(self.saying(StatusCode::BAD_REQUEST, error.to_string()))
            }
            Error::Denied { ref message, .. } => {
                let message = message.clone();
                Ok(self.saying(StatusCode::FORBIDDEN, message))
            }
            other => Err(other.into()),
        }
    }
}

/// Returns the label of a field, which the catalogue has as `field.` and its name, without the
/// index of a list's entry.
pub(crate) fn label(field: &str) -> String {
    let plain = match (field.find('['), field.rfind("].")) {
        (Some(open), Some(close)) => format!("{}.{}", &field[..open], &field[close + 2..]),
        (Some(open), None) => field[..open].to_owned(),
        _ => field.to_owned(),
    };
    text::find(&format!("field.{plain}")).map_or(plain, str::to_owned)
}

impl FromRequest<Web> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Web) -> Result<Self, Problem> {
        let body = body::read(request.into_body()).await?;
        Ok(Self::parse(&body))
    }
}

/// A form of somebody who is signed in, sent from a page of the organisation that is active now.
/// From a page of another one, it is answered with a page that says so, and nothing is done.
pub(crate) struct Posted {
    pub(crate) visit: Visit,
    pub(crate) form: Form,
}

impl FromRequest<Web> for Posted {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Self::Rejection> {
        use axum::RequestExt as _;
        use axum::response::IntoResponse as _;
        let mut request = request;
        let visit: Visit = request.extract_parts_with_state(web).await?;
        let form = Form::from_request(request, web)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        let shown_for = form.value("organization");
        if shown_for != visit.organization_id().to_string() {
            return Err(visit.other_organization(shown_for).into_response());
        }
        Ok(Self { visit, form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_send_it() {
        let form = Form::parse(b"name=a+b%20c&name=second&empty=");
        assert_eq!(form.value("name"), "a b c");
        assert_eq!(form.value("empty"), "");
        assert_eq!(form.value("missing"), "");
        assert!(!form.is_refused());
    }

    #[test]
    fn what_a_form_brings_is_in_no_debug_output() {
        let form = Form::parse(b"password=secret&next=%2F");
        assert_eq!(format!("{form:?}"), r#"{"password", "next"}"#);
    }

    #[test]
    fn a_password_is_not_kept_by_the_form_that_brought_it() {
        let mut form = Form::parse(b"password=correct+horse&next=%2F");
        assert!(form.take_password("password").is_some());
        assert_eq!((form.value("password"), form.value("next")), ("", "/"));
        assert!(!form.is_refused());
        assert!(form.take_password("password").is_none());
        assert_eq!(form.error("password"), Some("must not be empty"));
    }

    #[test]
    fn what_is_wrong_is_told_by_the_name_that_the_field_has_on_the_page() {
        let mut form = Form::parse(b"name=");
        assert_eq!(form.read::<vestibule_model::Name>("name"), None);
        let wrong = form.wrong();
        assert_eq!(wrong[0].field, "name");
        assert_eq!(wrong[0].sentence, "Name must not be empty.");
        assert_eq!(form.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(label("grants[2].path"), label("grants.path"));
        assert_eq!(label("unheard_of"), "unheard_of");
    }
}
