//! The bearer dialect: for programs, with `Authorization: Bearer`.

use crate::Documented;

mod api_key;
mod grant;
mod organization;
mod session;
mod sso;
mod user;

/// All routes below `/v1`.
pub(crate) fn routes() -> Documented {
    session::routes()
        .merge(user::routes())
        .merge(organization::routes())
        .merge(api_key::routes())
        .merge(grant::routes())
        .merge(sso::routes())
}
