//! An administrator connects an identity provider.

mod change;
pub(crate) mod connection;
mod domain;
pub(crate) mod once;
mod policy;
pub(crate) mod provider;
mod redirect_uri;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod version;
