//! An identity that a provider vouched for becomes a user and a member.

pub(crate) mod admission;
pub(crate) mod arrival;
mod identity;
mod linking;
mod mapping;
