//! A sign-in from the first redirect to the session: the browser goes to the provider and comes
//! back.

mod binding;
mod callback;
mod carried;
mod claim;
mod code;
mod discover;
mod link;
mod logout;
mod outcome;
pub(crate) mod purpose;
pub(crate) mod redirect;
mod replaced;
mod return_to;
mod start;

pub use binding::PlainBinding;
pub use callback::CallbackFailure;
pub use carried::CarriedSignIn;
pub use claim::CallbackRequest;
pub use discover::{Discovery, SignInMethod};
pub use outcome::{CallbackOutcome, Location};
pub use redirect::StartedSignIn;
pub use return_to::ReturnTo;
pub use start::{SignInDestination, SignInTarget, StartSignIn};
