//! Relying-party protocols: sign-in with an organisation's own identity provider.
//!
//! A [`Provider`] starts a sign-in with a URL for the browser and finishes it with the query of the
//! callback. The result is an [`Identity`], or the [`SsoRefusal`] that names the clause which
//! failed. [`oidc`] speaks OpenID Connect, [`github`] the OAuth of GitHub.
//!
//! This crate knows no accounts, no store and no HTTP server: the tier above decides which user an
//! identity belongs to and if the user may sign in. Everything outside is treated as hostile: the
//! provider, its documents, its tokens and the browser.

pub mod callback;
pub mod check;
pub mod github;
pub mod identity;
pub mod oidc;
pub mod preset;
pub mod provider;
pub mod refusal;
pub mod secret;
pub mod sign_in;

mod fetch;
mod json;
mod party;

pub use check::NamedCheck;
pub use identity::{Identity, VerifiedEmail};
pub use json::JsonFault;
pub use party::Party;
pub use preset::Preset;
pub use provider::Provider;
pub use refusal::{Quoted, SsoRefusal, Step};
pub use secret::{PlainClientSecret, PlainNonce, PlainState, PlainVerifier};
pub use sign_in::{Pending, Prompt, ProviderStart, SignInRequest};
