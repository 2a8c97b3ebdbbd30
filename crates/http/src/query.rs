//! Query strings, read as strictly as bodies.

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::field::field_error;

/// The parameters of a query string. One that is unknown, given twice or of the wrong type is
/// refused by name.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.uri)
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// 422 with the parameter that is refused.
    pub fn read(uri: &Uri) -> Result<Self, Problem> {
        let query = uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| {
                let path = error.path().to_string();
                Problem::invalid(vec![field_error(
                    "query",
                    &path,
                    &error.inner().to_string(),
                )])
            })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Part {
        limit: Option<u32>,
        offset: Option<i64>,
        tags: Option<bool>,
    }

    #[rstest]
    #[case::negative("limit=-1", "limit", "out_of_range", "must be a whole number")]
    #[case::letters("limit=abc", "limit", "out_of_range", "must be a whole number")]
    #[case::fraction("limit=1.5", "limit", "out_of_range", "must be a whole number")]
    #[case::empty("limit=", "limit", "out_of_range", "must be a whole number")]
    #[case::large(
        "limit=4294967296",
        "limit",
        "out_of_range",
        "is too large: must be a smaller number"
    )]
    #[case::small(
        "offset=-9223372036854775809",
        "offset",
        "out_of_range",
        "is too small: must be a larger number"
    )]
    #[case::yes("tags=yes", "tags", "invalid_value", "must be true or false")]
    #[case::twice("limit=1&limit=2", "limit", "duplicate_field", "must be given once")]
    #[case::unknown(
        "x=1",
        "x",
        "unknown_field",
        "is not a field here; expected one of `limit`, `offset`, `tags`"
    )]
    #[case::nameless(
        "=1",
        "query",
        "unknown_field",
        "is not a field here; expected one of `limit`, `offset`, `tags`"
    )]
    #[tokio::test]
    async fn a_refused_query_is_told_which_field_and_what_would_be_right(
        #[case] query: &str,
        #[case] field: &str,
        #[case] reason: &str,
        #[case] message: &str,
    ) {
        let request = Request::get(format!("/?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let problem = Query::<Part>::from_request_parts(&mut parts, &())
            .await
            .unwrap_err();
        assert_eq!(problem.reason(), reason);
        assert_eq!(problem.detail(), format!("{field}: {message}"));
    }
}
