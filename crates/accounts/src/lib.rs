//! Everything that changes who someone is or what they may do, each change with its audit record
//! in one transaction.
//!
//! [`Accounts`] has one method for each operation, in a file of the noun it is about. Who calls
//! stands in the signature: a [`Permit`](vestibule_check::Permit) where only a request can ask, a
//! [`Caller`] where an operator at the command line can too, an [`Operator`] where nobody else
//! may. What goes wrong is an [`Error`], whose sentence is for the caller.
//!
//! The crate also connects the check with the store: [`StoreDirectory`] tells it who a credential
//! is, [`Bridge`] tells it what has changed, and [`Duties`] write down what it has counted.

mod access;
mod accounts;
mod api_key;
mod audit;
mod bridge;
mod caller;
mod clock;
mod denials;
mod directory;
mod duties;
mod enforcement;
mod error;
mod explain;
mod for_session;
mod grant;
mod group;
mod keyring;
pub mod limits;
mod membership;
mod open;
mod organization;
mod password;
mod plan;
mod reach;
mod request_source;
mod revoking;
mod seal;
mod session;
mod sign_in;
mod sign_out;
mod strangers;
mod tasks;
mod token;
mod transaction;
mod turns;
mod usage;
mod user;

pub use access::{AccessGround, Asked, ExplainedAccess};
pub use accounts::{Accounts, AccountsParts};
pub use api_key::{
    CreatedApiKey, KeyOfForm, KeyView, NEW_KEY_HANDOVER, NewApiKey, NewKey, PreparedKey,
};
pub use bridge::Bridge;
pub use caller::{Caller, Operator};
pub use clock::{CLOCK_TOLERANCE, ClockBehind, ClockTrust, clock_behind};
pub use directory::StoreDirectory;
pub use duties::{Duties, Intervals};
pub use error::{Error, FieldError, Result};
pub use explain::{CannotResolve, OnRecord, Resolved};
pub use for_session::FORM_LIFE;
pub use grant::{GrantPatch, HolderKind, NewGrant};
pub use keyring::{KeyringParts, LoadKeyringError, OldKeys};
pub use membership::Member;
pub use open::{OpenError, OpenParts};
pub use organization::NewOrganization;
pub use password::PasswordChange;
pub use plan::Seats;
pub use request_source::RequestSource;
pub use session::{ProviderSignIn, SessionView, Switched};
pub use sign_in::{CookieSignIn, SignIn, SignInLimits, SignedIn, TokenSignIn};
pub use sign_out::{FoundSession, SignOut};
pub use strangers::StrangersWrite;
pub use tasks::{Shutdown, Tasks};
pub use token::{AccessToken, Refreshed};
pub use user::{Me, NewUser, Suspended};

// What the methods take and give back, so that callers need not name the store or hash anything.
pub use vestibule_credential::PlainPassword;
pub use vestibule_store::{
    AuditFilter, AuditRow, Count, Cursor, Listed, NarrowedApiKey, Page, SsoPolicy, Start,
};
