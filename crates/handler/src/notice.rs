//! What was done just now, told once on the next page. It travels in a cookie of ours: a link, whoever
//! made it, cannot have a page say what did not happen.

use http::HeaderValue;
use vestibule_http::Problem;

/// The cookie's name. One for all servers of a host: what it says is one of our own sentences.
pub const NOTICE: &str = "__Host-notice";

/// The value of `Set-Cookie` that has the next page tell it: `done.` and `what` stand in the
/// catalogue of the pages. It is forgotten after a minute.
///
/// # Errors
/// 500 for a name that no header can carry.
pub fn tell(what: &'static str) -> Result<HeaderValue, Problem> {
    let value = format!("{NOTICE}={what}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&value).map_err(|_| Problem::internal())
}
