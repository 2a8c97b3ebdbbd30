//! The answer that something could not be done, in any format.
//!
//! `/v1` answers `application/problem+json` (RFC 9457) with the members that generated clients
//! expect (`detail`, `code`, `request_id`); `/api` answers `{"error": …}`. Both name the stable
//! `reason` and, where there is one, the way out. A page is drawn by who has the templates: the
//! answer carries a [`PageProblem`] for that, and plain words in case nobody draws.

mod body;
mod invalid;
mod render;

use std::borrow::Cow;
use std::time::Duration;

use http::header::{ALLOW, CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use vestibule_check::Limited;

pub use self::invalid::FieldError;
pub use self::render::{ErrorBody, PageProblem, ProblemBody, keep_headers};

/// The reason why a request was not done, for its sender. The log has the cause; this has the way
/// out.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: Option<&'static str>,
    reason: Cow<'static, str>,
    detail: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem with a status, a stable reason, and a sentence for people.
    pub fn new(
        status: StatusCode,
        reason: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code: None,
            reason: reason.into(),
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// 400: the request as a whole cannot be read.
    pub fn bad_request(
        reason: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, detail)
    }

    /// 401: no credential, or one that is not good. Carries the challenge of RFC 6750, 3, without
    /// an error code where no credential was sent.
    pub fn unauthorized(
        reason: &'static str,
        detail: impl Into<Cow<'static, str>>,
        presented: bool,
    ) -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, reason, detail);
        let challenge = if presented {
            HeaderValue::from_static("Bearer error=\"invalid_token\"")
        } else {
            HeaderValue::from_static("Bearer")
        };
        problem.0.headers.insert(WWW_AUTHENTICATE, challenge);
        problem
    }

    /// 403: we know the caller, and the caller may not.
    pub fn forbidden(
        reason: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason, detail)
    }

    /// 404: it does not exist, or belongs to an organisation that is not the caller's; the two
    /// are indistinguishable.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no such {what}."),
        )
    }

    /// 409: the world moved.
    pub fn conflict(reason: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, reason, detail)
    }

    /// 500: our fault. The cause belongs in the log, not here.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side.",
        )
        .hint("Try again; if it stays, ask the operator and name the request id.")
    }

    /// 503: the truth cannot be known now, or there is too much to do.
    pub fn unavailable(
        reason: &'static str,
        detail: impl Into<Cow<'static, str>>,
        retry_after: Duration,
    ) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail).retry_after(retry_after)
    }

    /// 429: a limit was reached. Names it in the fields of the `RateLimit` header draft.
    pub fn limited(limited: Limited) -> Self {
        let Limited {
            name,
            count,
            window,
            retry_after,
        } = limited;
        let seconds = whole_seconds(retry_after);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            format!(
                "The limit {name} is used up: {count} at once, then {}.",
                pace(count, window)
            ),
        )
        .hint(format!("Try again in {seconds} seconds."))
        .retry_after(retry_after)
        .used_up(&name, count.into(), window, retry_after)
    }

    /// Names what is used up in the fields of the `RateLimit` header draft: `count` in `window`,
    /// with none left for as long as `reset`.
    #[must_use]
    pub fn used_up(mut self, name: &str, count: u64, window: Duration, reset: Duration) -> Self {
        let policy = format!("\"{name}\";q={count};w={}", window.as_secs());
        let state = format!("\"{name}\";r=0;t={}", whole_seconds(reset));
        for (header, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                self.0.headers.insert(header, value);
            }
        }
        self
    }

    /// 429: something was done as often as it may be for now, for a cause of its own.
    pub fn too_many(
        reason: &'static str,
        detail: impl Into<Cow<'static, str>>,
        retry_after: Duration,
    ) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, reason, detail).retry_after(retry_after)
    }

    /// 429: an allowance of the plan is used up for its period.
    pub fn quota_exceeded(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", detail)
            .code("quota_exceeded")
            .retry_after(retry_after)
    }

    /// 405: another method would do.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("This path answers to {allowed} only."),
        )
        .hint("Use one of these methods; GET /openapi.json says what each of them does.");
        if let Ok(value) = HeaderValue::from_str(allowed) {
            problem.0.headers.insert(ALLOW, value);
        }
        problem
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names another class than the status has by itself.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Says when to try again, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0
            .headers
            .insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        self
    }

    /// Ends the connection with the answer, as what remains of the request is not read.
    #[must_use]
    pub fn closing(mut self) -> Self {
        let close = HeaderValue::from_static("close");
        self.0.headers.insert(CONNECTION, close);
        self
    }

    /// Returns whether what was asked is not for the caller, if the caller is known: a 403, or a 404, which
    /// does not tell what belongs to others from what never was.
    pub fn is_refusal(&self) -> bool {
        matches!(self.0.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    }

    /// The stable cause.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The advice on what to do, if there is any.
    pub fn way_out(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

/// Describes the pace of `count` in `window`, evenly spread.
fn pace(count: u32, window: Duration) -> String {
    let apart = window / count.max(1);
    match (apart.as_secs(), apart.subsec_nanos()) {
        (1, 0) => "one every second".to_owned(),
        (apart, 0) if apart > 60 && apart % 60 == 0 => format!("one every {} minutes", apart / 60),
        (apart, 0) => format!("one every {apart} seconds"),
        _ => format!(
            "as many again in {} seconds, evenly spread",
            window.as_secs()
        ),
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration
        .as_millis()
        .div_ceil(1_000)
        .max(1)
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_as_it_is() {
        for (count, window, told) in [
            (10, 60, "10 at once, then one every 6 seconds."),
            (60, 60, "60 at once, then one every second."),
            (20, 3600, "20 at once, then one every 3 minutes."),
            (
                600,
                60,
                "600 at once, then as many again in 60 seconds, evenly spread.",
            ),
            (
                40,
                60,
                "40 at once, then as many again in 60 seconds, evenly spread.",
            ),
        ] {
            let problem = Problem::limited(Limited {
                name: "things".into(),
                count,
                window: Duration::from_secs(window),
                retry_after: Duration::from_secs(6),
            });
            let detail = format!("The limit things is used up: {told}");
            assert_eq!(problem.detail(), detail);
        }
    }
}
