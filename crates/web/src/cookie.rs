//! The cookies that a request to a page carries.

use http::{HeaderMap, HeaderValue};
use vestibule_accounts::PlainBinding;
use vestibule_http::{Problem, SessionCookie, cookie};
use vestibule_model::Digest;

/// No browser has so many cookies of one name.
const MOST: usize = 4;

/// The digests of the session cookies: the first is the one that the check has judged.
pub(crate) fn sessions(headers: &HeaderMap, cookie: &SessionCookie) -> Vec<Digest> {
    cookie::values(headers, &cookie.name)
        .take(MOST)
        .map(Digest::of)
        .collect()
}

/// The digest of the session cookie that a permit was given for.
pub(crate) fn session(headers: &HeaderMap, cookie: &SessionCookie) -> Result<Digest, Problem> {
    let found = cookie::values(headers, &cookie.name).next();
    found.map(Digest::of).ok_or_else(Problem::internal)
}

fn binding_name(cookie: &SessionCookie) -> String {
    format!("{}-sso", cookie.name)
}

/// What binds a sign-in through a provider to this browser, where it has such a cookie already.
pub(crate) fn binding(headers: &HeaderMap, session: &SessionCookie) -> Option<String> {
    let name = binding_name(session);
    let value = cookie::values(headers, &name).next()?;
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// The value of `Set-Cookie` that binds a sign-in to the browser for ten minutes. `Lax`, since the
/// way back is a navigation that another site begins.
pub(crate) fn set_binding(session: &SessionCookie, binding: &PlainBinding) -> Option<HeaderValue> {
    let text = format!(
        "{}={}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax",
        binding_name(session),
        binding.expose()
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
