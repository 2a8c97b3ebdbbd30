//! The formats of secrets, and the cryptography around them.
//!
//! Opaque secrets in their [`frame`], access tokens ([`token`]) and the [`keyring`] that signs
//! them, the master key that [`seal`]s what must be kept but not read, and, with the feature
//! `password`, password hashing on threads of its own.
//!
//! Nothing here knows the store or the network. Types with `Plain` in their name hold a secret,
//! print nothing and are wiped when dropped.

// Every request passes through this code: a panic in it is an outage.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod frame;
#[cfg_attr(not(feature = "tokens"), path = "keyring/absent.rs")]
pub mod keyring;
#[cfg(feature = "password")]
pub mod password;
#[cfg(feature = "tokens")]
pub mod seal;
pub mod token;

pub use frame::{FrameError, PlainSecret, Prefix, SecretKind};
pub use keyring::Keyring;
#[cfg(feature = "tokens")]
pub use keyring::{Issuer, KeyringError, SigningKey};
#[cfg(feature = "password")]
pub use password::{HashError, HasherConfig, PasswordHasher, PasswordVerdict, PlainPassword};
#[cfg(feature = "tokens")]
pub use seal::{MasterKey, SealError};
pub use token::{Claims, TokenError, TokenId, Verified};

#[cfg(test)]
mod testing;
