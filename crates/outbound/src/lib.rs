//! The only way out to the network.
//!
//! Whatever the server asks of others (an identity provider, a name server) leaves through
//! [`Outbound`]. Where a request goes is decided by people outside: an administrator of one
//! organisation types a URL, and that URL's server names further ones. Therefore every address is
//! judged by the [`Guard`] in the moment of connecting, redirects are answers and are not
//! followed, and every answer has its caps in bytes, time and number.
//!
//! There is no connection pool, no cookie, no proxy from the environment and no compression.

pub mod client;
pub mod config;
pub mod error;
pub mod guard;
pub mod request;
pub mod resolver;
pub mod system;
pub mod url;

mod connect;
mod slots;
mod tls;

pub use client::Outbound;
pub use config::{Config, Limits, OutboundConfigError};
pub use error::{DnsError, OutboundError};
pub use guard::{AddressKind, Guard};
pub use request::{Answer, Request};
pub use resolver::{FixedResolver, Resolver};
pub use system::SystemResolver;
pub use url::{Url, UrlError};
