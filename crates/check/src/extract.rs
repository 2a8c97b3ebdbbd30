//! A handler takes a [`Permit`] as an argument.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::Permit;

/// The handler takes a permit and the check gave none: its route is public, or no check is before it.
/// The service is put together wrongly; the caller cannot help it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this handler needs a permit, and no check stands before it")]
pub struct MissingCheck;

impl IntoResponse for MissingCheck {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Permit {
    type Rejection = MissingCheck;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingCheck> {
        parts.extensions.remove().ok_or(MissingCheck)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Permit {
    type Rejection = MissingCheck;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, MissingCheck> {
        Ok(parts.extensions.remove())
    }
}
