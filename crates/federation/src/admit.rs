//! An identity that a provider vouched for becomes a user and a member.

pub(crate) mod admission;
mod identity;
mod linking;
mod mapping;
pub(crate) mod request;
