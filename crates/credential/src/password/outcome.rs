//! The outcomes of hashing and verifying a password.

use std::time::Duration;

/// The reasons why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many hashes wait already.
    #[error("too many sign-ins at once")]
    Busy {
        /// The time until the queue will have drained, in whole seconds; one at least.
        retry_after: Duration,
    },
    /// The threads are gone: the server is shutting down.
    #[error("password hashing has stopped")]
    Stopped,
    /// The stored hash is not one that may be computed: not argon2, damaged, or of an absurd
    /// cost.
    #[error("the stored password hash is malformed or asks for an absurd cost")]
    StoredHash,
}

/// The result of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the one.
    Match {
        /// The stored hash was made with other parameters than today's: hash the password again
        /// and store that.
        rehash: bool,
    },
    /// It is another one, or there is none.
    Mismatch,
}
