//! What belongs to the person who is signed in.

mod api_key;
mod password;
mod profile;
mod session;

use vestibule_layer::Routes;

use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    profile::routes()
        .merge(password::routes())
        .merge(session::routes())
        .merge(api_key::routes())
}
