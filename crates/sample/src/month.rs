//! Calendar months in UTC, which allowances are counted by.

use std::time::Duration;

use time::{Date, Month, OffsetDateTime};
use vestibule_layer::model::Timestamp;

/// The month of a moment, such as `2027-01`.
pub(crate) fn of(moment: Timestamp) -> String {
    let date = moment.to_utc();
    format!("{:04}-{:02}", date.year(), u8::from(date.month()))
}

/// Returns the length of the month of a moment.
pub(crate) fn length(moment: Timestamp) -> Duration {
    let date = moment.to_utc();
    let days = date.month().length(date.year());
    Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}

/// Returns the rest of the month of a moment.
pub(crate) fn left(moment: Timestamp) -> Duration {
    let date = moment.to_utc();
    let (year, month) = match date.month() {
        Month::December => (date.year() + 1, Month::January),
        month => (date.year(), month.next()),
    };
    let next = Date::from_calendar_date(year, month, 1).map_or(date, |first| {
        OffsetDateTime::new_utc(first, time::Time::MIDNIGHT)
    });
    Timestamp::from_seconds(next.unix_timestamp()).since(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_month_ends_where_the_next_begins_in_utc() {
        let last_minute = at("2027-01-31T23:59:00Z");
        assert_eq!(of(last_minute), "2027-01");
        assert_eq!(left(last_minute), Duration::from_secs(60));
        assert_eq!(of(at("2027-02-01T00:30:00+01:00")), "2027-01");
        assert_eq!(left(at("2027-12-31T23:00:00Z")), Duration::from_secs(3_600));
        assert_eq!(
            left(at("2028-02-01T00:00:00Z")),
            Duration::from_secs(29 * 86_400)
        );
    }

    #[test]
    fn the_last_month_of_the_calendar_has_an_end_too() {
        assert_eq!(left(at("9999-12-31T23:59:59Z")), Duration::from_secs(0));
    }
}
