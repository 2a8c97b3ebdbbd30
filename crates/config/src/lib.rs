//! The configuration: a TOML file, overruled by `VESTIBULE_SECTION__KEY` in the environment,
//! overruled by flags.
//!
//! Every key stands once, in [`schema::KEYS`], with its kind and its default. [`Values`] knows
//! where each value came from; [`Settings`] is what the rest of the server reads.

mod brand;
mod error;
mod kind;
mod plans;
mod public_url;
mod reader;
mod schema;
mod settings;
mod sources;
mod sso;
mod suggest;
mod warnings;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrors};
pub use public_url::PublicUrl;
pub use reader::socket_address;
pub use schema::{KEYS, Key};
pub use settings::{LogFormat, SampleSettings, ServerSettings, Settings, SsoSettings, Timeouts};
pub use sources::{Environment, Origin, Sources, Value, Values};
