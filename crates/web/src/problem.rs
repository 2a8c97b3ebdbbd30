//! A problem as a page: what happened, when to come back, what to quote, and how to go on.

use askama::Template;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use vestibule_http::{ErrorFormat, PageProblem, RequestId};

use crate::look::Look;
use crate::return_to;

/// The content of the page.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage<'a> {
    frame: Look,
    title: &'static str,
    detail: &'a str,
    /// The time after which a retry may succeed.
    when: Option<String>,
    technical: Option<&'a str>,
    hint: Option<&'a str>,
    elsewhere: Option<String>,
    request_id: Option<&'a str>,
    way_on: WayOn<'a>,
}

impl<'a> ProblemPage<'a> {
    /// The page of a problem with these headers, on the way to `path`; `again` is where the same
    /// may be asked once more.
    pub(crate) fn new(
        look: Look,
        found: &'a PageProblem,
        headers: &HeaderMap,
        path: &str,
        again: Option<&'a str>,
    ) -> Self {
        let (problem, status) = (&found.problem, found.problem.status(ErrorFormat::Page));
        let reason = problem.reason();
        Self {
            frame: look,
            title: title(status),
            detail: for_people(status, reason).unwrap_or(problem.detail()),
            when: when(headers),
            // Whoever runs the server reads from it what browsers call it, and what it is told it
            // is.
            technical: (reason == CSRF).then_some(problem.detail()),
            elsewhere: elsewhere(path).filter(|_| reason == "role_required"),
            hint: problem.way_out().filter(|_| !is_programs(reason)),
            request_id: found.request_id.as_ref().map(RequestId::as_str),
            way_on: way_on(status, reason, path, again),
        }
    }

    /// The page for an address that no page has.
    pub(crate) fn nowhere(look: Look, found: &'a PageProblem) -> Self {
        Self {
            frame: look,
            title: t!("problem.title.not_found"),
            detail: t!("problem.nowhere"),
            when: None,
            technical: None,
            elsewhere: None,
            hint: None,
            request_id: found.request_id.as_ref().map(RequestId::as_str),
            way_on: WayOn::Home,
        }
    }
}

const CSRF: &str = "csrf_origin_mismatch";

/// Hints that tell programs what to send are of no use to a person.
fn is_programs(reason: &str) -> bool {
    matches!(
        reason,
        "no_such_route"
            | CSRF
            | "path_not_canonical"
            | "unsupported_media_type"
            | "unsupported_content_encoding"
            | "no_credential"
            | "too_many_requests"
    ) || reason.starts_with("credential_")
}

/// Returns the text for people, if the problem's own words are meant for programs.
fn for_people(status: StatusCode, reason: &str) -> Option<&'static str> {
    match (status, reason) {
        (_, CSRF) => Some(t!("problem.from_elsewhere")),
        (StatusCode::UNAUTHORIZED, reason)
            if reason == "no_credential" || reason.starts_with("credential_") =>
        {
            Some(t!("problem.session_ended"))
        }
        (StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => {
            Some(t!("problem.not_a_form_of_ours"))
        }
        (_, "signed_in_already") => Some(t!("problem.signed_in_already")),
        (_, "too_many_requests") => Some(t!("problem.limited")),
        (_, "unavailable" | "directory_unavailable") => Some(t!("problem.unavailable")),
        _ => None,
    }
}

/// The header's seconds in words, rounded up.
fn when(headers: &HeaderMap) -> Option<String> {
    let wait: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(match wait {
        0 | 1 => t!("problem.when_second").to_owned(),
        2..120 => t!("problem.when_seconds", wait),
        _ => t!("problem.when_minutes", wait.div_ceil(60)),
    })
}

/// Returns the link to choose another organisation for the same page, since the user may have a
/// sufficient role there.
fn elsewhere(path: &str) -> Option<String> {
    let (_, rest) = path.strip_prefix("/organization/")?.split_once('/')?;
    let section = format!("/organization/{{organization}}/{rest}");
    Some(format!(
        "/organizations?section={}",
        return_to::encoded(&section)
    ))
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => t!("problem.title.signed_out"),
        403 => t!("problem.title.forbidden"),
        404 => t!("problem.title.not_found"),
        408 => t!("problem.title.too_slow"),
        409 => t!("problem.title.conflict"),
        429 => t!("problem.title.limited"),
        503 => t!("problem.title.unavailable"),
        500 => t!("problem.title.internal"),
        _ => t!("problem.title.bad_request"),
    }
}

/// The ways on from a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WayOn<'a> {
    /// To the first page.
    Home,
    /// To the same page, once more.
    Again(&'a str),
    /// To the sign-in.
    SignIn,
    /// Out, and in again, because nothing of this session passes any more.
    SignInAgain,
}

fn way_on<'a>(status: StatusCode, reason: &str, path: &str, again: Option<&'a str>) -> WayOn<'a> {
    // These refuse every page of the session, so that a link to any of them would only fail again.
    let ended = matches!(
        reason,
        "user_suspended" | "membership_ended" | "organization_deactivated"
    );
    let is_sign_in = path.starts_with("/v1/") || path.starts_with("/sign-in");
    // Other failures would be the same at a second try.
    let is_passing = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    match again {
        _ if ended => WayOn::SignInAgain,
        _ if reason == "signed_in_already" => WayOn::Home,
        _ if status == StatusCode::UNAUTHORIZED || is_sign_in => WayOn::SignIn,
        Some(again) if is_passing => WayOn::Again(again),
        _ => WayOn::Home,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn another_organization_is_offered_on_its_own_pages_only() {
        assert_eq!(
            elsewhere("/organization/tenant_1/members/user_1").unwrap(),
            "/organizations?section=%2Forganization%2F%7Borganization%7D%2Fmembers%2Fuser_1"
        );
        assert_eq!(elsewhere("/organization/tenant_1"), None);
        assert_eq!(elsewhere("/account/keys"), None);
    }

    #[test]
    fn when_to_come_back_is_told_in_words() {
        let of = |seconds: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
            when(&headers)
        };
        assert_eq!(of("1").unwrap(), "Come back in a second.");
        assert_eq!(of("12").unwrap(), "Come back in 12 seconds.");
        assert_eq!(of("3000").unwrap(), "Come back in 50 minutes.");
        assert_eq!(of("Sun, 22 Nov 2026 02:00:00 GMT"), None);
        assert_eq!(when(&HeaderMap::new()), None);
    }

    #[test]
    fn what_passes_is_tried_again_and_a_form_is_not() {
        let (busy, sign_in) = (StatusCode::SERVICE_UNAVAILABLE, "/sign-in/password");
        let of = |path, again| way_on(busy, "unavailable", path, again);
        assert_eq!(
            of("/account", Some("/account?x=1")),
            WayOn::Again("/account?x=1")
        );
        assert_eq!(of("/account", None), WayOn::Home);
        assert_eq!(of(sign_in, None), WayOn::SignIn);
    }
}
