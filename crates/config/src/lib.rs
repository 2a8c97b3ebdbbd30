//! The configuration: a TOML file, overruled by `VESTIBULE_SECTION__KEY` in the environment,
//! overruled by flags.
//!
//! Every key is written once, in [`KEYS`], with its type, default, validation and help. [`Sources`]
//! reads [`Values`], which know where each of them came from; [`Settings`] is what the rest of the
//! server reads. Unknown keys are errors, and all errors are reported at once.

mod assemble;
mod brand;
mod demands;
mod error;
mod keys;
mod kind;
mod names;
mod plans;
mod provenance;
mod public_url;
mod read;
mod reader;
mod secret_files;
mod settings;
mod sources;
mod sso;
mod value;
mod values;
mod warnings;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrorCode, ConfigErrors};
pub use keys::{KEYS, Key};
pub use plans::PlanNames;
pub use provenance::Provenance;
pub use public_url::PublicUrl;
pub use read::socket_address;
pub use settings::{LogFormat, SampleSettings, ServerSettings, Settings, SsoSettings, Timeouts};
pub use sources::{Environment, Sources};
pub use value::Value;
pub use values::Values;
