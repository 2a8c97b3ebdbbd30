//! A part of a list.

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many items at most.
    pub limit: u32,
    /// How many items to pass over first.
    pub offset: u32,
}

impl Page {
    /// The beginning of a list.
    pub const fn first(limit: u32) -> Self {
        Self { limit, offset: 0 }
    }
}

impl Default for Page {
    /// The first 20 items.
    fn default() -> Self {
        Self::first(20)
    }
}
