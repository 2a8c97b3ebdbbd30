//! The data of the sample API, listed plainly: what the switcher changes.

use askama::Template;
use axum::extract::RawQuery;
use http::StatusCode;
use vestibule_accounts::Page;
use vestibule_layer::{Routes, Rule};

use crate::failure::{Outcome, no_such};
use crate::form::Form;
use crate::frame::Frame;
use crate::paging::{self, Paging};
use crate::respond::page;
use crate::sample::Listed;
use crate::visit::Visit;
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
    list: Vec<Listed>,
    paging: Paging,
}

#[derive(Template)]
#[template(path = "organization/agents.html")]
struct Agents<'a> {
    frame: &'a Frame,
    sessions: Vec<Listed>,
    paging: Paging,
    is_included: bool,
}

/// The part of a list that a request asks for.
fn part(query: Option<String>) -> Page {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    paging::part_by_offset(query.value("offset"))
}

async fn documents(visit: Visit, RawQuery(query): RawQuery) -> Outcome {
    let part = part(query);
    let sample = visit.web.sample().ok_or_else(|| no_such("page"))?;
    let (documents, total) = sample.documents(&visit.permit, part).await?;
    let paging = Paging::by_offset(part, total, &visit.frame.path("/documents"), &[]);
    page(
        StatusCode::OK,
        &Documents {
            frame: &visit.frame,
            list: documents,
            paging,
        },
    )
}

async fn agents(visit: Visit, RawQuery(query): RawQuery) -> Outcome {
    let part = part(query);
    let sample = visit.web.sample().ok_or_else(|| no_such("page"))?;
    let (sessions, total) = sample.conversations(&visit.permit, part).await?;
    let paging = Paging::by_offset(part, total, &visit.frame.path("/agents"), &[]);
    page(
        StatusCode::OK,
        &Agents {
            frame: &visit.frame,
            sessions,
            paging,
            is_included: visit.permit.plan().has("agents"),
        },
    )
}
