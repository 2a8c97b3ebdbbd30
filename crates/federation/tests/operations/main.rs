//! Sign-in through a provider on a real socket, on both engines, with its refusals and its records.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests, which clippy does not see"
)]

mod enforcement;
mod exemption;
mod flow;
mod lock_order;
mod one_time_code;
mod provider;
mod setup;
mod start;
#[allow(dead_code, reason = "the tests of accounts use the rest")]
#[path = "../../../accounts/tests/operations/support.rs"]
mod support;
