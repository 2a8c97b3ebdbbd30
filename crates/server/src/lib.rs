//! The binary `vestibule`: command line, configuration, wiring, listeners, the order of layers,
//! telemetry.
//!
//! Read [`serve`] for what happens from start to end, [`stack`] for what happens to a request,
//! [`wiring`] for who gets what.

pub mod admin;
pub mod cli;
pub mod config;
pub mod dev_idp;
pub mod failure;
pub mod listen;
mod operator;
mod printable;
pub mod quickstart;
mod sample;
pub mod serve;
pub mod shutdown;
pub mod stack;
mod tasks;
pub mod telemetry;
pub mod wiring;
