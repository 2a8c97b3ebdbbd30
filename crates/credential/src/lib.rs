//! What secrets look like.
//!
//! Opaque secrets in their [`frame`], access tokens ([`token`]) and the [`keyring`] that signs
//! them, the master key that [`seal`]s what must be kept but not read, and, with the feature
//! `password`, password hashing on threads of its own.
//!
//! Nothing here knows the store or the network. Types with `Plain` in their name hold a secret,
//! print nothing and are wiped when dropped.

pub mod frame;
pub mod keyring;
#[cfg(feature = "password")]
pub mod password;
pub mod seal;
pub mod token;

pub use frame::{FrameError, PlainSecret, Prefix, SecretKind};
pub use keyring::{Issuer, Keyring, KeyringError, SigningKey};
#[cfg(feature = "password")]
pub use password::{HashError, HasherConfig, PasswordHasher, PlainPassword, Verdict};
pub use seal::{MasterKey, SealError};
pub use token::{Claims, TokenError, TokenId, Verified};

#[cfg(test)]
mod testing;
