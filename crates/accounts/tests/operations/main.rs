//! Every operation, on both engines, with its refusals, its record and what the check makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests, which clippy does not see"
)]

mod api_key;
mod api_key_once;
mod audit;
mod clock;
mod directory;
mod duties;
mod grant;
mod grant_resource;
mod group;
mod keyring;
mod membership;
mod membership_ends;
mod organization;
mod own;
mod session;
mod sign_in;
mod sign_out;
mod standing;
#[allow(dead_code, reason = "the tests of federation use the rest")]
mod support;
mod transaction;
mod user;
