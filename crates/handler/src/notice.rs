//! The notice of what was done just now, shown once on the next page. It travels in a cookie: a
//! link, whoever made it, cannot make a page say what did not happen.

use http::HeaderValue;
use vestibule_http::Problem;
use vestibule_http::cookie::{SameSite, set_cookie};

/// The cookie's name. One for all servers of a host: its value is the key of one of our sentences.
pub const NOTICE: &str = "__Host-notice";

/// The time for which a browser keeps a notice, in seconds.
const LIFE: u64 = 60;

/// Returns the value of `Set-Cookie` that makes the next page show `done.` and `what` of the
/// catalogue of texts. A browser forgets it after a minute.
///
/// # Errors
/// 500 for a name that no header can carry.
pub fn tell(what: &'static str) -> Result<HeaderValue, Problem> {
    set_cookie(NOTICE, what, LIFE, SameSite::Lax).ok_or_else(Problem::internal)
}

/// Returns the value of `Set-Cookie` that removes the notice, once a page has shown it.
pub fn told() -> Option<HeaderValue> {
    set_cookie(NOTICE, "", 0, SameSite::Lax)
}
