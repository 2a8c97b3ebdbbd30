//! The first page of an organisation.

use askama::Template;
use http::StatusCode;
use vestibule_layer::{Routes, Rule};
use vestibule_model::PlanName;

use crate::failure::Outcome;
use crate::frame::Frame;
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    Routes::pages().get("/organization/{organization}", Rule::signed_in(), show)
}

#[derive(Template)]
#[template(path = "organization/overview.html")]
struct Overview<'a> {
    frame: &'a Frame,
    plan: &'a PlanName,
    has_sample: bool,
    home: String,
}

async fn show(visit: Visit) -> Outcome {
    page(
        StatusCode::OK,
        &Overview {
            frame: &visit.frame,
            plan: &visit.permit.plan().name,
            has_sample: visit.web.sample().is_some(),
            home: visit.permit.home().to_string(),
        },
    )
}
