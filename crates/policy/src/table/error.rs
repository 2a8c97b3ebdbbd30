//! The errors of a table.

use thiserror::Error;

/// A mistake in the declared routes, for which no table can be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// The route is in the table already.
    #[error("{method} {template} is declared twice")]
    Duplicate {
        /// The route's method.
        method: String,
        /// The route's path.
        template: String,
    },
    /// Another template matches the same paths.
    #[error("{template} matches the same paths as {with}")]
    Conflict {
        /// The new one.
        template: String,
        /// The one in the table.
        with: String,
    },
    /// The path template is not one.
    #[error("{template} is not a path template: {message}")]
    Template {
        /// The path as declared.
        template: String,
        /// The mistake, in words.
        message: String,
    },
    /// The method is not upper-case letters.
    #[error("{method} is not a method")]
    Method {
        /// The method as declared.
        method: String,
    },
    /// The rule's demands do not fit together or not to the path.
    #[error("{method} {template}: {message}")]
    Rule {
        /// The route's method.
        method: String,
        /// The route's path.
        template: String,
        /// The mistake, in words.
        message: String,
    },
}
