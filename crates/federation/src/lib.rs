//! Sign-in through an organisation's own identity provider: how it is set up and carried out.
//!
//! [`Sso`] stands beside [`Accounts`](vestibule_accounts::Accounts) and adds what needs the
//! network. The crate is organised by story:
//!
//! | module | story |
//! |---|---|
//! | `setup` | an administrator connects a provider: connections, their settings and secrets, domains, redirect URIs, the policy |
//! | `flow` | a browser goes to the provider and comes back |
//! | `admit` | an identity that a provider vouched for becomes a user and a member |
//! | `record` | what is kept of each attempt, and test sign-ins |
//!
//! After the callback the code reads in three files: `flow/callback.rs` proves that the browser
//! started this sign-in and has the provider identify the person, `admit/admission.rs` finds or
//! creates the user and the membership, `flow/outcome.rs` starts the session and sends the browser
//! on.
//!
//! Administration takes a [`Caller`](vestibule_accounts::Caller): reading takes an admin, changing
//! an owner or the operator, because the owner of a provider decides who its people are. The rule
//! who may still use a password is in `accounts`, where sign-in by password asks it.

mod admit;
mod flow;
mod record;
mod secret_text;
mod setup;
mod sso;

pub use flow::{
    CallbackFailure, CallbackOutcome, CallbackRequest, CarriedSignIn, Discovery, Location,
    PlainBinding, ReturnTo, SignInDestination, SignInMethod, SignInTarget, StartSignIn,
    StartedSignIn,
};
pub use record::report::{TestOutcome, TestReport};
pub use setup::connection::{AlsoEnd, CheckedConnection, NewConnection};
pub use setup::once::PreparedConnection;
pub use setup::secret::NewSecret;
pub use setup::settings::sso_settings;
pub use setup::version::SettingsVersion;
pub use sso::{Sso, SsoParts};

const NO_CONNECTION: vestibule_accounts::Error = vestibule_accounts::Error::NotFound {
    what: "connection to an identity provider",
};
