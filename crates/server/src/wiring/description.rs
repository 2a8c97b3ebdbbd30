//! The description of the interface, with the sample's where that is served.

use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::failure::Failure;

/// The description of the interface.
pub fn openapi(with_sample: bool) -> Result<OpenApi, Failure> {
    let mut document = vestibule_api::openapi();
    if with_sample {
        document.merge(in_our_words(&vestibule_sample::openapi()).map_err(Failure::defect)?);
    }
    Ok(document)
}

/// The sample's description with our names of the security schemes, as a customer's would be
/// merged.
fn in_our_words(document: &OpenApi) -> serde_json::Result<OpenApi> {
    let mut value = serde_json::to_value(document)?;
    let paths = value["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        let demands = operation["security"].as_array_mut().into_iter().flatten();
        for demand in demands.filter_map(Value::as_object_mut) {
            for (theirs, ours) in [("bearer", "bearerAuth"), ("cookie", "sessionCookie")] {
                if let Some(scopes) = demand.remove(theirs) {
                    demand.insert(ours.to_owned(), scopes);
                }
            }
        }
    }
    serde_json::from_value(value)
}
