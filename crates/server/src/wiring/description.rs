//! The description of the interface, with the sample's where that is served.

use utoipa::openapi::OpenApi;

/// Returns the description of the interface.
pub fn openapi(with_sample: bool) -> OpenApi {
    let mut document = vestibule_api::openapi();
    if with_sample {
        document.merge(vestibule_sample::openapi());
    }
    document
}
