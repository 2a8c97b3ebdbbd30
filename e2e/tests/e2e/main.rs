//! The promises of the server, kept over real sockets on both stores. The modules mirror the URLs;
//! what concerns all of them has a module of its own.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

mod api;
mod audit;
mod doctrine;
mod permissions;
mod quickstart;
mod seeds;
mod service;
mod support;
mod sweep;
mod v1;
