//! A browser goes to the provider and comes back.

pub(crate) mod arrived;
pub(crate) mod binding;
mod callback;
pub(crate) mod carried;
mod code;
pub(crate) mod discover;
mod link;
mod logout;
mod outcome;
pub(crate) mod purpose;
pub(crate) mod redirect;
mod replaced;
pub(crate) mod return_to;
pub(crate) mod start;
