//! The pages: plain, without scripts, with the warning on top.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::parameters::Parameters;
use super::people::PEOPLE;

/// No `form-action`: browsers would apply it to the redirect back to the client.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:0 auto;\
padding:1rem}.warning{background:#7a0000;color:#fff;padding:.75rem 1rem;font-weight:bold}\
button{font:inherit;padding:.4rem .8rem;margin:.2rem 0}input{font:inherit;padding:.4rem}\
li{margin:.5rem 0}:focus-visible{outline:3px solid #06c;outline-offset:2px}";

const WARNING: &str = "Development only. This page asks for no password: whoever opens it may be \
anybody. Never use it for real people.";

/// A text as HTML shows it.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} – development only</title><style>{STYLE}</style></head>\n<body>\n\
         <p class=\"warning\" role=\"note\">{WARNING}</p>\n<main>\n<h1>{title}</h1>\n{body}\n\
         </main>\n</body>\n</html>\n"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, html).into_response()
}

/// Renders the choice of a person to sign in as. The request goes along in hidden fields.
pub(super) fn choose(parameters: &Parameters, action: &str, wrong: Option<&str>) -> Response {
    use std::fmt::Write as _;
    let mut hidden = String::new();
    for (name, value) in parameters.all().filter(|(name, _)| *name != "email") {
        let _ = writeln!(
            hidden,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escaped(name),
            escaped(value)
        );
    }
    let mut people = String::new();
    for person in PEOPLE {
        let _ = writeln!(
            people,
            "<li><button name=\"email\" value=\"{0}\">{1}</button> {0} {2}</li>",
            person.email, person.name, person.shows
        );
    }
    let hint = parameters.get("login_hint").unwrap_or_default();
    let wrong = wrong.map(|text| format!("<p role=\"alert\">{}</p>", escaped(text)));
    let (action, hint, wrong) = (escaped(action), escaped(hint), wrong.unwrap_or_default());
    let body = format!(
        "{wrong}<form action=\"{action}\">\n{hidden}<ul>\n{people}</ul>\n</form>\n\
         <form action=\"{action}\">\n{hidden}<p><label for=\"email\">Or anybody else, by e-mail \
         address:</label><br><input id=\"email\" name=\"email\" type=\"email\" required \
         value=\"{hint}\"> <button>Sign in</button></p>\n</form>\n\
         <form action=\"{action}\">\n{hidden}<p><button name=\"deny\" value=\"1\">Refuse to sign \
         in</button></p>\n</form>"
    );
    page(StatusCode::OK, "Who signs in?", &body)
}

/// A request that cannot be answered at its redirect URI.
pub(super) fn refused(what: &str) -> Response {
    let body = format!("<p>{}</p>", escaped(what));
    page(
        StatusCode::BAD_REQUEST,
        "This request is not in order",
        &body,
    )
}

/// Signed out, and perhaps where to go on.
pub(super) fn signed_out(go_on: Option<&str>) -> Response {
    let body = match go_on {
        Some(url) => format!("<p><a href=\"{0}\">Go on to {0}</a></p>", escaped(url)),
        None => "<p>This page may be closed.</p>".to_owned(),
    };
    page(StatusCode::OK, "You are signed out", &body)
}
