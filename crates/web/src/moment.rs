//! Moments, as people read them.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "templates hand out references"
)]

use std::fmt::{self, Display, Formatter};

use vestibule_model::Timestamp;

/// A moment, to the minute, in UTC: `21 Nov 2026, 22:48 UTC`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) Timestamp);

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let utc = self.0.to_utc();
        let month = usize::from(u8::from(utc.month())).saturating_sub(1);
        write!(
            f,
            "{} {} {}, {:02}:{:02} UTC",
            utc.day(),
            MONTHS.get(month).copied().unwrap_or_default(),
            utc.year(),
            utc.hour(),
            utc.minute()
        )
    }
}

/// An element that shows a moment to people and to programs. Nothing in it has to be escaped.
pub(crate) fn time(at: &Timestamp) -> String {
    format!("<time datetime=\"{at}\">{}</time>", Moment(*at))
}

/// The same, or the words for none.
pub(crate) fn time_or(at: &Option<Timestamp>, none: &'static str) -> String {
    at.as_ref().map_or_else(|| none.to_owned(), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_by_people_and_programs() {
        let at = Timestamp::from_seconds(1_795_301_280);
        assert_eq!(Moment(at).to_string(), "21 Nov 2026, 22:48 UTC");
        assert!(time(&at).starts_with("<time datetime=\"2026-11-21T22:48:00"));
        assert_eq!(time_or(&None, "never"), "never");
    }
}
