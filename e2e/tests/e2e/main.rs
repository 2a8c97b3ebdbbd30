//! The promises of the server, kept over real sockets on both stores. The modules mirror the URLs;
//! what concerns all of them has a module of its own.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

mod abuse;
mod api;
mod audit;
mod bodies;
mod browser;
mod cli;
mod clock;
mod connections;
mod databases;
mod doctrine;
mod endings;
mod faults;
mod frozen;
mod log;
mod measure;
mod nodes;
mod pages;
mod permissions;
mod providers;
mod proxies;
mod public_url;
mod quickstart;
mod races;
mod seeds;
mod service;
mod signals;
mod sso;
mod support;
mod sweep;
mod upgrade;
mod v1;
