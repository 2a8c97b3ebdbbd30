//! The id in a route's path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use vestibule_model::Invalid;

use crate::{Fields, Problem};

/// The first parameter of a path such as `/v1/api-keys/{id}`, parsed.
///
/// A text that its type does not accept is refused with 422, under the name of the parameter.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T: FromStr<Err = Invalid>, S: Send + Sync> FromRequestParts<S> for PathId<T> {
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
