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
mod enforcement;
mod grant;
mod grant_resource;
mod group;
mod keyring;
mod lock_order;
mod membership;
mod membership_ends;
mod one_time_code;
mod organization;
mod own;
mod provider;
mod session;
mod sign_in;
mod sign_out;
mod sso;
mod sso_setup;
mod sso_start;
mod standing;
mod support;
mod transaction;
mod user;
