//! Where one is signed in.

use askama::Template;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{SessionId, Timestamp};

use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Posted};
use crate::frame::Frame;
use crate::respond::{done, page};
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in();
    Routes::pages()
        .get("/account/sessions", rule.clone(), list)
        .post("/account/sessions/end", rule.clone().consumes(FORM), end)
        .post(
            "/account/sessions/end-others",
            rule.consumes(FORM),
            end_others,
        )
}

/// One session.
struct Shown {
    id: SessionId,
    is_current: bool,
    /// The organisation that it is in.
    organization: String,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct Sessions<'a> {
    frame: &'a Frame,
    sessions: Vec<Shown>,
}

async fn list(visit: Visit) -> Outcome {
    let accounts = visit.web.accounts();
    let own = visit.permit.credential().session();
    let name_of = |id| {
        let choices = visit.frame.organizations.iter();
        let mut found = choices.filter(|choice| choice.id == id);
        found.next().map(|choice| choice.name.clone())
    };
    let sessions = accounts.own_sessions(&visit.permit).await?;
    let mut sessions: Vec<_> = sessions
        .into_iter()
        .map(|session| Shown {
            id: session.id,
            is_current: Some(session.id) == own,
            organization: name_of(session.organization_id).unwrap_or_default(),
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.deadline(accounts.lifetimes()),
        })
        .collect();
    sessions.sort_by_key(|session| !session.is_current);
    page(
        http::StatusCode::OK,
        &Sessions {
            frame: &visit.frame,
            sessions,
        },
    )
}

async fn end(Posted { visit, form }: Posted) -> Outcome {
    let id = form.value("session").parse::<SessionId>();
    let id = id.map_err(|_| no_such("session"))?;
    let accounts = visit.web.accounts();
    accounts.end_own_session(&visit.permit, id).await?;
    done("/account/sessions", "session")
}

async fn end_others(Posted { visit, .. }: Posted) -> Outcome {
    let accounts = visit.web.accounts();
    accounts.end_other_sessions(&visit.permit).await?;
    done("/account/sessions", "sessions")
}
