//! The sample through its front door: requests to the router behind the check, on both engines.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what the tests share may panic as the tests themselves may"
)]

mod agents;
mod documents;
mod failures;
mod folders;
mod permissions;
mod support;
