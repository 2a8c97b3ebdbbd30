//! OpenID Connect: the authorization code flow with PKCE, read strictly.

pub mod algorithm;
pub mod cache;
pub mod client_auth;
pub mod client_key;
pub mod connection;
pub mod logout;
pub mod mapping;
pub mod offline;

mod authorize;
mod claims;
mod credentials;
mod discovery;
mod documents;
pub(crate) mod exchange;
mod id_token;
mod jws;
mod keys;
mod preflight;
mod provider;
mod slot;
mod userinfo;

pub use algorithm::Algorithm;
pub use cache::Cache;
pub use client_auth::ClientAuth;
pub use client_key::{ClientKey, ClientKeyKind};
pub use connection::OidcConnection;
pub use discovery::issuer_of;
pub use mapping::{ClaimPath, Mapping};
pub use provider::OidcProvider;
