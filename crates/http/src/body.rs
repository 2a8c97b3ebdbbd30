//! JSON bodies, read strictly.

use std::fmt::Formatter;
use std::marker::PhantomData;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;
use vestibule_check::BodyPlace;
use vestibule_policy::Rule;

use crate::Problem;
use crate::field::field_error;

pub use self::unique::UniqueMap;

mod unique;
mod whole;

#[cfg(test)]
mod tests;

/// The largest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = Rule::MAX_BODY_BYTES;

/// The longest that a body may be on its way. Shorter than an answer may take, so that a client
/// that stalls is told so, and any longer delay is ours.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(20);

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

/// The whole body for its handler, up to [`MAX_BODY_BYTES`] and within [`BODY_TIMEOUT`]. Behind the
/// check it is in memory already ([`read_into`]), and nothing is copied.
pub async fn read(body: Body) -> Result<Bytes, Problem> {
    let limited = http_body_util::Limited::new(body, MAX_BODY_BYTES);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if is_length_limit(&*error) => Err(Problem::body_too_large(MAX_BODY_BYTES)),
        Ok(Err(_)) => Err(incomplete()),
        Err(_) => Err(too_slow()),
    }
}

/// The whole body before its handler is called: up to `most` bytes, within [`BODY_TIMEOUT`], and as
/// long as there is a place for it. The place is taken until what this gives is dropped.
pub async fn read_into(place: BodyPlace, body: Body, most: usize) -> Result<Bytes, Problem> {
    let whole = whole::whole(body, most, place);
    let read = tokio::time::timeout(BODY_TIMEOUT, whole).await;
    read.unwrap_or_else(|_| Err(too_slow()))
}

fn incomplete() -> Problem {
    Problem::bad_request("incomplete_body", "The body ended before it was complete.")
}

/// 408, for bodies that do not come (RFC 9110, 15.5.9). Nothing was done of what they ask for, and
/// the rest of them is not waited for.
fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        format!(
            "The body was not complete within {} seconds. Nothing was done.",
            BODY_TIMEOUT.as_secs()
        ),
    )
    .hint("Send the whole body at once, and as many bytes of it as Content-Length says.")
    .closing()
}

/// Returns true if a limit was reached, our own or that of an outer layer.
fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_length_limit)
}

/// Reads a JSON object into a type, strictly.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let Object(value) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refused(text, &path, error.inner())
    })?;
    reader.end().map_err(|error| refused(text, "", &error))?;
    Ok(value)
}

fn refused(text: &[u8], path: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        // A number where a type has names for its values: the reader takes that for bad syntax.
        Category::Syntax if is_value_expected(error) && is_json(text) => {
            let error = "invalid type: expected a string";
            Problem::invalid(vec![field_error("body", path, error)])
        }
        Category::Data => Problem::invalid(vec![field_error("body", path, &error.to_string())]),
        Category::Syntax | Category::Eof | Category::Io => Problem::bad_request(
            "malformed_json",
            format!(
                "The body is not JSON: something is wrong at line {}, column {}.",
                error.line(),
                error.column()
            ),
        )
        .hint("Send one JSON object in UTF-8, without comments and without anything after it."),
    }
}

fn is_value_expected(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("expected value at ")
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}
