//! `vestibule openapi`.

use super::context::Context;
use super::output;
use vestibule_server::failure::Failure;
use vestibule_server::wiring;

/// The whole interface, the sample's with it. JSON with or without `--json`.
pub(super) fn run(_: &Context) -> Result<(), Failure> {
    let document = wiring::openapi(true);
    let text = serde_json::to_string_pretty(&document).map_err(Failure::defect)?;
    output::data(&text)
}
