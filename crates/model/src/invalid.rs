//! One refused input value.

/// The reason why a value was refused, worded for the person who sent it.
///
/// The name of the field is added by whoever knows it; the sentence here says what is wrong with
/// the value and what would be right, and never repeats the value itself; it may name its right
/// spelling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Stable, `snake_case` cause for programs.
    pub reason: &'static str,
    /// One sentence for people.
    pub message: String,
}

impl Invalid {
    /// A refusal with a stable `reason` and a sentence for people.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}
