//! Which organisation one works in.

use askama::Template;
use axum::extract::{RawQuery, State};
use http::{HeaderMap, StatusCode};
use vestibule_handler::session_cookie;
use vestibule_layer::{Routes, Rule};
use vestibule_model::OrganizationId;

use super::sections;
use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Form};
use crate::frame::Frame;
use crate::respond::{page, see_other, with_cookie};
use crate::visit::Visit;
use crate::web::Web;

pub(crate) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in();
    Routes::pages()
        .get("/organizations", rule.clone(), choose)
        .get("/organization", rule.clone(), current)
        .post("/switch", rule.consumes(FORM), switch)
}

#[derive(Template)]
#[template(path = "organizations.html")]
struct Choose<'a> {
    frame: &'a Frame,
    /// The page to open there; the switch knows which there are.
    section: &'a str,
}

async fn choose(visit: Visit, RawQuery(query): RawQuery) -> Outcome {
    if visit.frame.organizations.len() == 1 {
        return see_other(&visit.frame.path(""));
    }
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    page(
        StatusCode::OK,
        &Choose {
            frame: &visit.frame,
            section: query.value("section"),
        },
    )
}

async fn current(visit: Visit) -> Outcome {
    see_other(&visit.frame.path(""))
}

/// The choice itself says which organisation is meant, so that it may come from a page of any.
async fn switch(State(web): State<Web>, visit: Visit, headers: HeaderMap, form: Form) -> Outcome {
    let wanted = form.value("to").parse::<OrganizationId>();
    let wanted = wanted.map_err(|_| no_such("organisation"))?;
    let presented = session_cookie(&headers, web.cookie())?;
    let switched = web
        .accounts()
        .switch_organization(&visit.permit, &presented, wanted)
        .await?;
    let id = switched.organization.id.to_string();
    let path = sections::same_page(form.value("section"), &id, switched.role);
    with_cookie(see_other(&path)?, web.cookie().set(&switched.cookie))
}
