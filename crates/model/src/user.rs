//! People.

use crate::{Email, Name, Timestamp, UserId};

/// A person, who exists once, whatever the organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The person's id.
    pub id: UserId,
    /// The address the person signs in with.
    pub email: Email,
    /// Given name, where known.
    pub first_name: Option<Name>,
    /// Family name, where known.
    pub last_name: Option<Name>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// Since when nothing of this person's passes, where that is so.
    pub suspended_at: Option<Timestamp>,
}
