//! What the organisation's plan includes.

use askama::Template;
use http::StatusCode;
use vestibule_layer::{Routes, Rule};
use vestibule_model::Plan;

use crate::failure::Outcome;
use crate::frame::Frame;
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    Routes::pages().get("/organization/{organization}/plan", Rule::signed_in(), show)
}

/// A feature, and whether the organisation has it.
struct Feature {
    name: String,
    is_included: bool,
    /// The plans that have it.
    offered_by: String,
}

#[derive(Template)]
#[template(path = "organization/plan.html")]
struct Shown<'a> {
    frame: &'a Frame,
    plan: &'a Plan,
    features: Vec<Feature>,
}

async fn show(visit: Visit) -> Outcome {
    let plan = visit.permit.plan();
    let plans = visit.web.accounts().plans();
    let mut names: Vec<_> = plans.iter().flat_map(|plan| plan.features.iter()).collect();
    names.extend(&plan.features);
    names.sort();
    names.dedup();
    let features = names
        .into_iter()
        .map(|name| {
            let offered: Vec<_> = plans.with_feature(name).map(ToString::to_string).collect();
            Feature {
                name: name.clone(),
                is_included: plan.has(name),
                offered_by: offered.join(", "),
            }
        })
        .collect();
    page(
        StatusCode::OK,
        &Shown {
            frame: &visit.frame,
            plan,
            features,
        },
    )
}
