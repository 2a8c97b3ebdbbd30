//! Single sign-on: the way in for everybody, and `/v1/sso` for those who set it up.

use crate::Documented;

mod attempt;
mod callback;
mod connection;
mod discover;
mod domain;
mod identity;
mod initiate;
mod logout;
mod policy;
mod redirect_uri;
mod settings;
mod staged;

/// All routes of single sign-on.
pub(crate) fn routes() -> Documented {
    discover::routes()
        .merge(initiate::routes())
        .merge(callback::routes())
        .merge(logout::routes())
        .merge(connection::routes())
        .merge(staged::routes())
        .merge(attempt::routes())
        .merge(domain::routes())
        .merge(redirect_uri::routes())
        .merge(policy::routes())
        .merge(identity::routes())
}
