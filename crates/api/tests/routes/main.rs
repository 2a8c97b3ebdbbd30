//! Every route, over the check and the real accounts on SQLite, without a socket. The folders
//! mirror the URLs.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests, which clippy does not see"
)]

mod access;
mod bad_input;
mod browser;
mod fixture;
mod openapi;
mod service;
mod v1;
