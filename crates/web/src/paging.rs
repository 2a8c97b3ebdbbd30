//! A long list in parts.

use vestibule_accounts::{Count, Cursor, Listed, Page, Start};

use crate::form::Form;

/// The number of entries on a page.
const SHOWN: u32 = 50;

/// The part of a list that is shown, and the links to the others.
#[derive(Debug, Clone)]
pub(crate) struct Paging {
    /// The number of entries that come before.
    skipped: u64,
    shown: u64,
    total: Count,
    previous: Option<String>,
    next: Option<String>,
}

/// The part of a list that a query asks for: what comes after an entry, or before one. A cursor
/// that is none asks for the beginning.
pub(crate) fn part(query: &Form) -> Page {
    let cursor = |name: &str| query.value(name).parse::<Cursor>().ok();
    let start = match (cursor("after"), cursor("before")) {
        (Some(after), _) => Start::After(after),
        (None, Some(before)) => Start::Before(before),
        (None, None) => Start::Offset(0),
    };
    Page {
        limit: SHOWN,
        start,
    }
}

/// The part of a list that a query's `offset` asks for.
pub(crate) fn part_by_offset(offset: &str) -> Page {
    Page::at(SHOWN, offset.parse().unwrap_or(0))
}

impl Paging {
    /// This part of the list at `path`, with these parameters kept.
    pub(crate) fn new<T>(part: &Listed<T>, path: &str, kept: &[(&str, &str)]) -> Self {
        let base = base(path, kept);
        let to = |name: &str, cursor: Option<Cursor>| {
            cursor.map(|cursor| format!("{base}{name}={cursor}"))
        };
        Self {
            skipped: part.skipped,
            shown: u64::try_from(part.items.len()).unwrap_or(u64::MAX),
            total: part.total,
            previous: to("before", part.previous),
            next: to("after", part.next),
        }
    }

    /// The part `page` of a list of `total` at `path`.
    pub(crate) fn by_offset(page: Page, total: u64, path: &str, kept: &[(&str, &str)]) -> Self {
        let base = base(path, kept);
        let (offset, most) = (page.offset(), Page::MAX_OFFSET);
        let left = total.saturating_sub(offset.into());
        let to = |offset: u32| format!("{base}offset={offset}");
        let next = offset.saturating_add(SHOWN);
        Self {
            skipped: offset.into(),
            shown: left.min(SHOWN.into()),
            total: Count::Exact(total),
            previous: (offset > 0).then(|| to(offset.saturating_sub(SHOWN))),
            next: (left > SHOWN.into() && next <= most).then(|| to(next)),
        }
    }

    /// Returns whether there is more than one part.
    pub(crate) fn is_needed(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }

    pub(crate) fn summary(&self) -> String {
        let last = self.skipped.saturating_add(self.shown);
        let first = self.skipped.saturating_add(1).min(last);
        t!("paging.shown", first, last, self.total())
    }

    /// Returns the number of entries, as far as they were counted.
    pub(crate) fn total(&self) -> String {
        match self.total {
            Count::Exact(count) => count.to_string(),
            Count::MoreThan(count) => t!("paging.more_than", thousands(count)),
            Count::AtLeast(count) => t!("paging.at_least", count),
        }
    }

    pub(crate) fn previous(&self) -> Option<&str> {
        self.previous.as_deref()
    }

    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

/// The address of the list, up to and with `?` or `&`.
fn base(path: &str, kept: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let given = kept.iter().filter(|(_, value)| !value.is_empty());
    let query = query.extend_pairs(given).finish();
    if query.is_empty() {
        format!("{path}?")
    } else {
        format!("{path}?{query}&")
    }
}

/// A number of thousands, as people write it.
fn thousands(count: u64) -> String {
    format!("{},{:03}", count / 1_000, count % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(total: Count, previous: bool, next: bool) -> Listed<u8> {
        let cursor = format!("{:016x}{:032x}32", 7, 9).parse().ok();
        assert!(cursor.is_some());
        Listed {
            items: vec![0; 50],
            total,
            skipped: 50,
            previous: cursor.filter(|_| previous),
            next: cursor.filter(|_| next),
        }
    }

    #[test]
    fn a_list_has_a_part_before_and_after_where_there_is_more() {
        let first = Paging::new(
            &listed(Count::Exact(120), false, true),
            "/list",
            &[("kind", "a b"), ("by", "")],
        );
        assert!(first.is_needed());
        assert_eq!(first.previous(), None);
        let next = first.next().unwrap();
        let cursor = next.strip_prefix("/list?kind=a+b&after=").unwrap();
        let asked = part(&Form::parse(format!("after={cursor}").as_bytes()));
        assert!(matches!(asked.start, Start::After(_)), "{asked:?}");
        let last = Paging::new(&listed(Count::MoreThan(10_000), true, false), "/list", &[]);
        assert!(last.previous().unwrap().starts_with("/list?before="));
        assert_eq!(last.next(), None);
        assert_eq!(last.total(), "more than 10,000");
        let none = Paging::new(&listed(Count::Exact(50), false, false), "/list", &[]);
        assert!(!none.is_needed());
        let nonsense = part(&Form::parse(b"after=x&before="));
        assert_eq!(nonsense, Page::first(SHOWN));
    }

    #[test]
    fn an_offset_ends_where_it_costs_too_much() {
        let at = |offset, total| Paging::by_offset(part_by_offset(offset), total, "/list", &[]);
        assert_eq!(at("", 120).next(), Some("/list?offset=50"));
        assert_eq!(at("100", 120).previous(), Some("/list?offset=50"));
        assert_eq!(at("100", 120).next(), None);
        assert_eq!(at("10000", 20_000).next(), None);
        assert!(!at("x", 50).is_needed());
    }
}
