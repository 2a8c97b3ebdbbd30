//! JSON bodies, read strictly.

use axum::body::Body;
use std::fmt::Formatter;
use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;

use crate::{FieldError, Problem};

#[cfg(test)]
mod tests;

/// The largest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A JSON body, in either direction.
///
/// Coming in, it is read strictly: one value, no name twice, and, where the type says
/// `deny_unknown_fields` as all of ours do, no field that means nothing. What is refused is
/// answered with the field and what would be right, and never repeats the value. That the
/// `Content-Type` is JSON the check has seen to.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request.into_body()).await?;
        if body.is_empty() {
            return Err(
                Problem::bad_request("missing_body", "The request has no body.")
                    .hint("Send a JSON object with Content-Type: application/json."),
            );
        }
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A JSON body that may be left out.
#[derive(Debug, Clone, Copy)]
pub struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request.into_body()).await?;
        if body.is_empty() {
            Ok(Self(None))
        } else {
            parse(&body).map(|value| Self(Some(value)))
        }
    }
}

/// A JSON object, where a derived reader would also take an array for a struct, its fields in
/// order. For structs within a body; [`parse`] sees to the outermost one.
#[derive(Debug, Clone, Copy)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// The whole body, up to [`MAX_BODY_BYTES`].
pub async fn read(body: Body) -> Result<Bytes, Problem> {
    let limited = http_body_util::Limited::new(body, MAX_BODY_BYTES);
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_length_limit(&*error) => Err(too_large()),
        Err(_) => Err(Problem::bad_request(
            "incomplete_body",
            "The body ended before it was complete.",
        )),
    }
}

/// Whether a limit was reached, our own or that of a layer before us.
fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_length_limit)
}

/// 413, for bodies that are too large.
pub fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than 1 MiB.",
    )
    .hint("Send less at once.")
}

/// Reads a JSON object into a type, strictly.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let Object(value) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refused(&path, error.inner())
    })?;
    reader.end().map_err(|error| refused("", &error))?;
    Ok(value)
}

fn refused(path: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Problem::invalid(vec![field_error(path, &error.to_string())]),
        Category::Syntax | Category::Eof | Category::Io => Problem::bad_request(
            "malformed_json",
            format!(
                "The body is not JSON: something is wrong at line {}, column {}.",
                error.line(),
                error.column()
            ),
        ),
    }
}

/// Turns the deserializer's words into ours. They may quote the value; ours never do.
pub(crate) fn field_error(path: &str, error: &str) -> FieldError {
    let message = error
        .rsplit_once(" at line ")
        .map_or(error, |(message, _)| message);
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let below = |name: &str| match path {
        "" | "." => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let here = || match path {
        "" | "." => "body".to_owned(),
        path => path.to_owned(),
    };
    let (field, reason, message) = if message.starts_with("missing field") {
        (below(quoted()), "missing_field", "is required".to_owned())
    } else if message.starts_with("unknown field") {
        let expected = message
            .split_once("expected ")
            .map_or("no field at all", |(_, expected)| expected);
        // The path ends in the unknown name already, where there is one.
        let field = if path.ends_with(quoted()) {
            here()
        } else {
            below(quoted())
        };
        let text = format!("is not a field here; expected {expected}");
        (field, "unknown_field", text)
    } else if message.starts_with("duplicate field") {
        let field = if path.ends_with(quoted()) {
            here()
        } else {
            below(quoted())
        };
        (field, "duplicate_field", "must be given once".to_owned())
    } else if message.starts_with("invalid type") || message.starts_with("invalid length") {
        let expected = message
            .rsplit_once("expected ")
            .map_or("of another type", |(_, expected)| expected);
        let expected = if expected.starts_with("struct ") {
            "an object"
        } else {
            expected
        };
        (here(), "wrong_type", format!("must be {expected}"))
    } else if message.starts_with("unknown variant") || message.starts_with("invalid value") {
        let expected = message
            .rsplit_once("expected ")
            .map_or("one of the documented values", |(_, expected)| expected);
        (here(), "invalid_value", format!("must be {expected}"))
    } else {
        (here(), "invalid_value", message.to_owned())
    };
    FieldError {
        field,
        reason: reason.into(),
        message,
    }
}
