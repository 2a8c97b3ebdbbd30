//! Tools for trying Vestibule out and developing against it, with no place in production: a
//! server with example data from one command ([`quickstart`]), and an identity provider that asks
//! nobody for a password ([`dev_idp`]).
//!
//! The crate `cli` has it behind its feature `devtools`. A binary built without that feature
//! contains none of it.

pub mod dev_idp;
pub mod quickstart;
