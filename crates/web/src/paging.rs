//! A long list in parts.

use vestibule_accounts::Page;

/// How many entries a page shows.
const SHOWN: u32 = 50;

/// Which part of a list is shown, and where the others are.
#[derive(Debug, Clone)]
pub(crate) struct Paging {
    offset: u32,
    total: u64,
    /// The address of the list, up to and with `?` or `&`.
    base: String,
}

/// The part of a list that a query's `offset` asks for.
pub(crate) fn part(offset: &str) -> Page {
    Page {
        limit: SHOWN,
        offset: offset.parse().unwrap_or(0),
    }
}

impl Paging {
    /// The part `page` of a list of `total` at `path`, with these parameters kept.
    pub(crate) fn new(page: Page, total: u64, path: &str, kept: &[(&str, &str)]) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let given = kept.iter().filter(|(_, value)| !value.is_empty());
        let query = query.extend_pairs(given).finish();
        let base = if query.is_empty() {
            format!("{path}?")
        } else {
            format!("{path}?{query}&")
        };
        Self {
            offset: page.offset,
            total,
            base,
        }
    }

    /// Whether there is more than one part.
    pub(crate) fn is_needed(&self) -> bool {
        self.total > u64::from(SHOWN) || self.offset > 0
    }

    pub(crate) fn summary(&self) -> String {
        let first = u64::from(self.offset).saturating_add(1).min(self.total);
        let last = u64::from(self.offset.saturating_add(SHOWN)).min(self.total);
        t!("paging.shown", first, last, self.total)
    }

    pub(crate) fn previous(&self) -> Option<String> {
        let offset = self.offset.saturating_sub(SHOWN);
        (self.offset > 0).then(|| format!("{}offset={offset}", self.base))
    }

    pub(crate) fn next(&self) -> Option<String> {
        let offset = self.offset.saturating_add(SHOWN);
        (u64::from(offset) < self.total).then(|| format!("{}offset={offset}", self.base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_part_before_and_after_where_there_is_more() {
        let first = Paging::new(part(""), 120, "/list", &[("kind", "a b"), ("by", "")]);
        assert!(first.is_needed());
        assert_eq!(first.previous(), None);
        assert_eq!(first.next().unwrap(), "/list?kind=a+b&offset=50");
        let last = Paging::new(part("100"), 120, "/list", &[]);
        assert_eq!(last.previous().unwrap(), "/list?offset=50");
        assert_eq!(last.next(), None);
        assert!(!Paging::new(part("x"), 50, "/list", &[]).is_needed());
    }
}
