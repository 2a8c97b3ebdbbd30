//! What handlers share, whether they answer JSON or a page: how a failure of `accounts` becomes an
//! answer, what is known of a caller without a permit, which cookies a request presents, whether
//! it asks for a page, and what the next page tells.
//!
//! Everything here stands between `accounts`, which knows no HTTP, and `http`, which knows no
//! accounts.

mod accept;
mod binding;
mod failure;
pub mod notice;
mod session;
mod stranger;

pub use accept::wants_page;
pub use binding::BindingCookie;
pub use failure::{Failure, Result};
pub use session::{session_cookie, session_cookies};
pub use stranger::Stranger;
pub use vestibule_check::{bearer_token, cookie_values};
