//! What can be wrong with a body as a whole.

use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, StatusCode};
use vestibule_check::Cause;

use super::Problem;

/// The time until others may have sent what they are sending.
const ROOM_RETRY: Duration = Duration::from_secs(1);

impl Problem {
    /// 413: the body is longer than the route reads.
    pub fn body_too_large(most_bytes: usize) -> Self {
        let most = match (most_bytes / 1024, most_bytes % 1024) {
            (kib, 0) if kib > 0 && kib % 1024 == 0 => format!("{} MiB", kib / 1024),
            (kib, 0) if kib > 0 => format!("{kib} KiB"),
            _ => format!("{most_bytes} bytes"),
        };
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body is larger than {most}, and no more is read here."),
        )
        .hint("Send less at once.")
        .closing()
    }

    /// 415: the body has a content coding (RFC 9110, 15.5.16), such as gzip.
    pub(crate) fn body_encoded() -> Self {
        let mut problem = Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Cause::ContentEncoding.reason(),
            "The body has a Content-Encoding, and bodies are read as they are.",
        )
        .hint("Send the body without compressing it, and without Content-Encoding.");
        let identity = HeaderValue::from_static("identity");
        problem.0.headers.insert(ACCEPT_ENCODING, identity);
        problem
    }

    /// 503: as many bytes of bodies are on their way as may be.
    pub(crate) fn no_room_for_body() -> Self {
        Self::unavailable(
            "no_room_for_body",
            "Too many large bodies are on their way to this server.",
            ROOM_RETRY,
        )
        .hint(
            "Send it again later, and fewer of them at once. What is 4 KiB or less is always read.",
        )
        .closing()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1024 * 1024, "larger than 1 MiB,")]
    #[case(16 * 1024, "larger than 16 KiB,")]
    #[case(1500, "larger than 1500 bytes,")]
    #[case(0, "larger than 0 bytes,")]
    fn who_sends_too_much_is_told_how_much_is_read(#[case] most: usize, #[case] words: &str) {
        let problem = Problem::body_too_large(most);
        assert!(problem.detail().contains(words), "{}", problem.detail());
    }
}
