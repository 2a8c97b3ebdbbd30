//! What belongs to the organisation.

mod access;
mod api_key;
mod audit;
mod linked;
mod member;
mod names;
mod overview;
mod plan;
mod sample;
mod settings;
mod sso;

pub(crate) use audit::{in_words, pretty};

use vestibule_layer::Routes;

use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    overview::routes()
        .merge(member::routes())
        .merge(access::routes())
        .merge(api_key::routes())
        .merge(audit::routes())
        .merge(plan::routes())
        .merge(settings::routes())
        .merge(sso::routes())
        .merge(sample::routes())
}
