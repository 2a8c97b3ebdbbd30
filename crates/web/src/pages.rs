//! The pages, each in a file of its own: what it shows, its route and rule, and what its forms do.

mod account;
mod organization;
mod organizations;
pub(crate) mod sections;
mod sign_in;
mod sign_out;

use vestibule_layer::Routes;

use crate::web::Web;

pub(crate) use organization::{in_words, pretty};
pub(crate) use organizations::OtherOrganization;

/// All pages with their rules.
pub fn routes(web: Web) -> Routes {
    crate::assets::routes()
        .merge(sign_in::routes())
        .merge(sign_out::routes())
        .merge(organizations::routes())
        .merge(account::routes())
        .merge(organization::routes())
        .with_state(web)
}
