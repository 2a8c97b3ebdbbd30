//! Single sign-on of the organisation: its connections, its domains, and whether it is required.

mod connection;
mod domain;
mod list;
mod redirect_uri;

use vestibule_layer::Routes;

use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    list::routes()
        .merge(connection::routes())
        .merge(domain::routes())
        .merge(redirect_uri::routes())
}
