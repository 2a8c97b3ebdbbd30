//! A server from its settings to its orderly end: wiring, listeners, the order of layers, telemetry.
//!
//! Read [`serve`] for the life of a server, [`stack`] for the way of a request through it, and
//! [`wiring`] for the construction of its parts.

pub mod admin;
pub mod failure;
pub mod listen;
mod operator;
pub mod printable;
mod sample;
pub mod serve;
pub mod shutdown;
pub mod stack;
pub mod telemetry;
pub mod wiring;

pub use operator::OPERATOR;
