//! The files that pages load: stylesheet, scripts and pictures.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use vestibule_http::Problem;
use vestibule_layer::{Routes, Rule};

use crate::assets::Asset;
use crate::failure::Outcome;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    // Public: the sign-in page needs them, and nothing in them is anybody's.
    Routes::pages().get("/assets/{name}", Rule::public(), asset)
}

async fn asset(State(web): State<Web>, Path(name): Path<String>) -> Outcome {
    let found = web.look().assets().find(&name);
    let asset = found.ok_or_else(|| Problem::not_found("file"))?;
    Ok(answer(asset))
}

fn answer(asset: &Asset) -> Response {
    let mut response = asset.bytes.clone().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    // Other content has another name, so that a cached file never goes stale.
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, forever);
    response
}
