//! Parts of lists.
//!
//! A list is sorted by a time and an id, which an index has in this order. A part of it begins after
//! a row, or ends before one, that its [`Cursor`] names: the database goes there at once, however
//! long the list is. An offset is for callers who know nothing else, and has a bound, because the
//! rows that it passes over are read.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use vestibule_model::{Invalid, Timestamp};

mod listing;

pub(crate) use listing::{Bounds, COUNTED, FIFTY, Listing, bind_fifty, fifty, listing};

/// The part of a list that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The number of items, at most.
    pub limit: u32,
    /// The place of the part.
    pub start: Start,
}

/// The place of a part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After so many items, at most [`Page::MAX_OFFSET`].
    Offset(u32),
    /// After an item.
    After(Cursor),
    /// Before an item, as close to it as can be.
    Before(Cursor),
}

impl Page {
    /// The largest offset: so many rows are read and thrown away.
    pub const MAX_OFFSET: u32 = 10_000;

    /// The beginning of a list.
    pub const fn first(limit: u32) -> Self {
        Self::at(limit, 0)
    }

    /// The part that begins after `offset` items, or after [`MAX_OFFSET`](Self::MAX_OFFSET) where
    /// that is fewer.
    pub const fn at(limit: u32, offset: u32) -> Self {
        let offset = if offset > Self::MAX_OFFSET {
            Self::MAX_OFFSET
        } else {
            offset
        };
        Self {
            limit,
            start: Start::Offset(offset),
        }
    }

    /// The part that begins after the item that `cursor` names.
    pub const fn after(limit: u32, cursor: Cursor) -> Self {
        Self {
            limit,
            start: Start::After(cursor),
        }
    }

    /// The number of items to pass over; zero where the part begins at a cursor.
    pub const fn offset(self) -> u32 {
        match self.start {
            Start::Offset(offset) => offset,
            Start::After(_) | Start::Before(_) => 0,
        }
    }
}

impl Default for Page {
    /// The first 20 items.
    fn default() -> Self {
        Self::first(20)
    }
}

/// An item of a list, by what the list is sorted by. As text it is opaque to whoever carries it, and
/// good for no other list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
    /// The number of items of the list that came before and with it when it was shown: to be told, not to be
    /// relied on.
    pub(crate) rank: u32,
}

impl Cursor {
    /// The time in microseconds and the id, as the database compares them.
    pub(crate) const fn key(self) -> (i64, Uuid) {
        (self.at.as_micros(), self.id)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, id, rank } = self;
        write!(f, "{:016x}{}{rank:x}", at.as_micros(), id.simple())
    }
}

impl FromStr for Cursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let read = || {
            let (at, rest) = text.split_at_checked(16)?;
            let (id, rank) = rest.split_at_checked(32)?;
            if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            Some(Self {
                at: Timestamp::from_micros(u64::from_str_radix(at, 16).ok()?.cast_signed()),
                id: Uuid::try_parse(id).ok()?,
                rank: u32::from_str_radix(rank, 16).ok()?,
            })
        };
        read().ok_or_else(|| Invalid::new("invalid_cursor", "must be a cursor from a list"))
    }
}

/// The number of items in a list, counted no further than is useful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exact(u64),
    /// More than so many: counting ended there.
    MoreThan(u64),
    /// So many, or more: not all of the list was searched for what a filter asks for.
    AtLeast(u64),
}

impl Count {
    /// The number at which counting ends.
    pub const MOST: u64 = 10_000;

    /// Returns the number that was counted.
    pub const fn counted(self) -> u64 {
        match self {
            Self::Exact(count) | Self::MoreThan(count) | Self::AtLeast(count) => count,
        }
    }

    /// Returns whether there are no others.
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Exact(_))
    }

    /// Returns the count of a query that stops at one more than [`MOST`](Self::MOST).
    pub(crate) const fn stopped(count: u64) -> Self {
        if count > Self::MOST {
            Self::MoreThan(Self::MOST)
        } else {
            Self::Exact(count)
        }
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items of the part.
    pub items: Vec<T>,
    /// The number of items in the whole list.
    pub total: Count,
    /// The number of items before these, as far as is known.
    pub skipped: u64,
    /// The end of the part before this, if there is one.
    pub previous: Option<Cursor>,
    /// The beginning of the part after this, if there is one.
    pub next: Option<Cursor>,
}

impl<T> Listed<T> {
    /// Returns the part with each item turned into something else.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            items: self.items.into_iter().map(each).collect(),
            total: self.total,
            skipped: self.skipped,
            previous: self.previous,
            next: self.next,
        }
    }

    /// Returns the items, and the number that was counted of the whole list.
    pub fn into_counted(self) -> (Vec<T>, u64) {
        (self.items, self.total.counted())
    }

    /// Cuts a part from a list that is there as a whole, in its order.
    pub(crate) fn of_all(
        mut all: Vec<T>,
        page: Page,
        key: impl Fn(&T) -> (Timestamp, Uuid),
    ) -> Self {
        let total = Count::Exact(u64::try_from(all.len()).unwrap_or(u64::MAX));
        match page.start {
            Start::Offset(offset) => {
                let passed = usize::try_from(offset).unwrap_or(usize::MAX);
                all.drain(..passed.min(all.len()));
            }
            Start::After(cursor) => all.retain(|item| key(item) > (cursor.at, cursor.id)),
            Start::Before(cursor) => {
                all.retain(|item| key(item) < (cursor.at, cursor.id));
                all.reverse();
            }
        }
        Self::new(all, total, page, key)
    }

    /// Makes a part of what was read for it, one item beyond the limit if there are more. `items`
    /// are in the order in which they were read: backwards where the part ends before a cursor.
    pub(crate) fn new(
        mut items: Vec<T>,
        total: Count,
        page: Page,
        key: impl Fn(&T) -> (Timestamp, Uuid),
    ) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let is_more = items.len() > limit;
        items.truncate(limit);
        let shown = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let (skipped, is_before, is_after) = match page.start {
            Start::Offset(offset) => (offset, offset > 0, is_more),
            Start::After(cursor) => (cursor.rank, true, is_more),
            Start::Before(cursor) => {
                items.reverse();
                let known = cursor.rank.saturating_sub(1).saturating_sub(shown);
                (if is_more { known } else { 0 }, is_more, true)
            }
        };
        let cursor = |item: &T, rank: u32| {
            let (at, id) = key(item);
            Cursor { at, id, rank }
        };
        let first = items.first().filter(|_| is_before);
        let last = items.last().filter(|_| is_after);
        Self {
            previous: first.map(|item| cursor(item, skipped.saturating_add(1))),
            next: last.map(|item| cursor(item, skipped.saturating_add(shown))),
            skipped: skipped.into(),
            total,
            items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_round_trip_and_nothing_else_is_one() {
        for micros in [-1, 0, 1_800_000_000_000_000] {
            let cursor = Cursor {
                at: Timestamp::from_micros(micros),
                id: Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057),
                rank: 50,
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        let whole = Cursor {
            at: Timestamp::from_seconds(1_800_000_000),
            id: Uuid::max(),
            rank: 0,
        };
        let whole = whole.to_string();
        for broken in [
            "",
            "x",
            &whole[..48],
            &whole[..16],
            &whole.replacen('0', "+", 1),
            &whole.replacen('f', "ü", 1),
            &format!("{whole}123456789"),
        ] {
            assert!(broken.parse::<Cursor>().is_err(), "{broken}");
        }
    }

    #[test]
    fn counting_ends_at_ten_thousand() {
        assert_eq!(Count::stopped(10_000), Count::Exact(10_000));
        assert_eq!(Count::stopped(10_001), Count::MoreThan(10_000));
    }
}
