//! The data of the sample API, listed plainly: what the switcher changes.

use askama::Template;
use http::StatusCode;
use vestibule_layer::{Routes, Rule};

use crate::failure::{Outcome, no_such};
use crate::frame::{Frame, Visit};
use crate::respond::page;
use crate::sample::Listed;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in();
    Routes::pages()
        .get(
            "/organization/{organization}/documents",
            rule.clone(),
            documents,
        )
        .get("/organization/{organization}/agents", rule, agents)
}

#[derive(Template)]
#[template(path = "organization/documents.html")]
struct Documents<'a> {
    frame: &'a Frame,
    documents: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "organization/agents.html")]
struct Agents<'a> {
    frame: &'a Frame,
    sessions: Vec<Listed>,
    is_included: bool,
}

async fn documents(visit: Visit) -> Outcome {
    let sample = visit.web.sample().ok_or_else(|| no_such("page"))?;
    let documents = sample.documents(&visit.permit).await?;
    page(
        StatusCode::OK,
        &Documents {
            frame: &visit.frame,
            documents,
        },
    )
}

async fn agents(visit: Visit) -> Outcome {
    let sample = visit.web.sample().ok_or_else(|| no_such("page"))?;
    let sessions = sample.conversations(&visit.permit).await?;
    page(
        StatusCode::OK,
        &Agents {
            frame: &visit.frame,
            sessions,
            is_included: visit.permit.plan().has("agents"),
        },
    )
}
