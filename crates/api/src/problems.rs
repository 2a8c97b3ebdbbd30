//! `/problems`: what each `reason` means and what to do about it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::Html;
use http::header::{CACHE_CONTROL, HeaderName};
use utoipa_axum::routes;
use vestibule_layer::Rule;

use crate::Documented;
use crate::openapi::tag;

mod catalogue;

#[cfg(test)]
mod tests;

/// One `reason`, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProblemReason {
    /// The `reason` of the answer.
    reason: &'static str,
    /// The statuses that it comes with on `/v1`. On `/api` a 422 is a 400.
    status: &'static str,
    /// The meaning.
    means: &'static str,
    /// The remedy.
    remedy: &'static str,
}

pub(crate) fn routes() -> Documented {
    Documented::bearer().add_ignoring_query(Rule::public(), routes!(problems))
}

/// Describes every problem
///
/// A page with every `reason` that a problem names: what it means and what to do. The `type` of a
/// problem points into it.
#[utoipa::path(
    get,
    path = "/problems",
    tag = tag::SERVICE,
    operation_id = "getProblems",
    responses((status = 200, description = "The page.", content_type = "text/html", body = String)),
)]
async fn problems() -> ([(HeaderName, &'static str); 1], Html<&'static str>) {
    static PAGE: LazyLock<String> = LazyLock::new(page);
    ([(CACHE_CONTROL, "public, max-age=300")], Html(&PAGE))
}

/// The whole page. The catalogue is ours and has no character that HTML gives a meaning to.
fn page() -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Problems</title>\n</head>\n<body>\n<h1>Problems</h1>\n\
         <p>Every answer that refuses a request names a <code>reason</code>. On \
         <code>/api</code> the status is 400 where it is 422 here.</p>\n<dl>\n",
    );
    for problem in catalogue::all() {
        let ProblemReason {
            reason,
            status,
            means,
            remedy,
        } = problem;
        // Writing to a text cannot fail.
        let _ = writeln!(
            page,
            "<dt id=\"{reason}\"><code>{reason}</code> ({status})</dt>\n<dd>{means} {remedy}</dd>"
        );
    }
    page.push_str("</dl>\n</body>\n</html>\n");
    page
}
