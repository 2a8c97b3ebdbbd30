//! The refusals of the sample's routes, as its description tells them.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{RefOr, Response};

type Described = BTreeMap<String, RefOr<Response>>;

fn describe(statuses: &[(&str, &str)]) -> Described {
    statuses
        .iter()
        .map(|(status, text)| {
            let response = ResponseBuilder::new().description(*text).build();
            ((*status).to_owned(), response.into())
        })
        .collect()
}

/// The refusals of every route of `/v1`, besides its own.
pub(crate) struct BearerRefusals;

impl IntoResponses for BearerRefusals {
    fn responses() -> Described {
        describe(&[
            ("400", "The request cannot be read."),
            (
                "401",
                "No credential, or one that is malformed, expired or revoked.",
            ),
            ("403", "The caller may not; the cause is in the answer."),
            ("404", "There is no such thing for this caller."),
            ("422", "A field or parameter is wrong; `errors` names each."),
            (
                "429",
                "A limit is reached; `Retry-After` says when to try again.",
            ),
            ("503", "The database does not answer now."),
        ])
    }
}

/// The refusals of every route of `/api`, besides its own.
pub(crate) struct BrowserRefusals;

impl IntoResponses for BrowserRefusals {
    fn responses() -> Described {
        describe(&[
            (
                "400",
                "A field is missing, empty or wrong; the text names it.",
            ),
            ("401", "No session, or one that is over."),
            (
                "403",
                "The plan lacks the feature, the Origin is not our own, or the key is narrowed to paths.",
            ),
            (
                "429",
                "A limit or the month's allowance is used up; `Retry-After` says when to try again.",
            ),
            ("503", "The database does not answer now."),
        ])
    }
}

/// The refusals of every route of `/api` about one session, besides its own.
pub(crate) struct NoSuchSession;

impl IntoResponses for NoSuchSession {
    fn responses() -> Described {
        describe(&[("404", "There is no such session for this caller.")])
    }
}
