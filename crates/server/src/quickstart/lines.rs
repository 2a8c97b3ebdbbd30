//! Lines to paste.

use super::shown::Shown;

impl Shown {
    /// What there is, for people.
    pub fn to_text(&self) -> String {
        format!("{}\n", self.url)
    }
}
