//! Sign-in with a provider on a real socket: one that behaves, and one that does not.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may panic as the tests themselves may"
)]

mod credentials;
mod github;
mod honest;
mod hostile;
mod logout;
mod world;
