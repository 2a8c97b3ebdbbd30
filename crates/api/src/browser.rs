//! The routes below `/api`, for applications that draw their own pages, with a session cookie.

use crate::Documented;

mod calling_key;
mod link;
mod session;
mod set_cookie;
mod sign_in;

/// All routes below `/api`.
pub(crate) fn routes() -> Documented {
    sign_in::routes()
        .merge(session::routes())
        .merge(link::routes())
}
