//! Every operation of the store, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests, which clippy does not see"
)]

mod api_key;
mod audit;
mod caller;
mod commit;
mod fault;
mod feed;
mod files;
mod grant;
mod group;
mod housekeeping;
mod isolation;
mod keyring;
mod lock_order;
mod membership;
mod migration;
mod organization;
mod refresh;
mod resource_change;
mod session;
mod silence;
mod single_sign_on;
mod support;
mod text;
mod user;
