//! What was done in the organisation.

mod gist;

use askama::Template;
use axum::extract::RawQuery;
use vestibule_accounts::AuditFilter;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ActorKind, Role, Timestamp, UserId};

use super::names::{Names, names};
use crate::failure::Outcome;
use crate::form::Form;
use crate::frame::Frame;
use crate::paging::{self, Paging};
use crate::respond::page;
use crate::text;
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in().role(Role::Admin);
    Routes::pages().get("/organization/{organization}/audit", rule, list)
}

/// The kinds that the filter offers.
const KINDS: [&str; 9] = [
    "access.*",
    "api_key.*",
    "grant.*",
    "group.*",
    "member.*",
    "organization.*",
    "session.*",
    "sso.*",
    "user.*",
];

/// One record.
struct Shown {
    at: Timestamp,
    kind: String,
    /// Its subject and changes, worded for people.
    gist: Vec<String>,
    who: String,
    with: String,
    subject: String,
    address: String,
    request_id: String,
    details: String,
}

#[derive(Template)]
#[template(path = "organization/audit.html")]
struct Audit<'a> {
    frame: &'a Frame,
    form: &'a Form,
    kinds: [&'static str; 9],
    names: &'a Names,
    records: Vec<Shown>,
    /// Nothing where the filter was not understood.
    paging: Option<Paging>,
}

/// The beginning of a day, as a date field has it.
fn day(form: &mut Form, field: &str) -> Option<Timestamp> {
    let text = form.value(field);
    if text.is_empty() {
        return None;
    }
    let day = Timestamp::parse(&format!("{text}T00:00:00Z")).ok();
    if day.is_none() {
        form.refuse(field, t!("audit.day_wrong"));
    }
    day
}

async fn list(visit: Visit, RawQuery(query): RawQuery) -> Outcome {
    let mut form = Form::parse(query.unwrap_or_default().as_bytes());
    let kept = |form: &Form, name: &str| Some(form.value(name).trim().to_owned());
    let filter = AuditFilter {
        kind: kept(&form, "kind").filter(|kind| !kind.is_empty()),
        user_id: form.read_optional::<UserId>("user"),
        subject: kept(&form, "subject").filter(|subject| !subject.is_empty()),
        since: day(&mut form, "since"),
        until: day(&mut form, "until"),
    };
    let part = paging::part(&form);
    let accounts = visit.web.accounts();
    // A filter that was not understood would show other records than were asked for.
    let found = if form.is_refused() {
        None
    } else {
        Some(accounts.audit(&visit.caller(), &filter, part).await?)
    };
    let names = names(&visit, form.value("user").parse().ok()).await?;
    let kept = ["kind", "user", "subject", "since", "until"].map(|name| (name, form.value(name)));
    let list = visit.frame.path("/audit");
    let paging = found.as_ref().map(|found| Paging::new(found, &list, &kept));
    let records = found.into_iter().flat_map(|found| found.items);
    let records = records
        .map(|record| Shown {
            at: record.at,
            who: record.user_id.map_or_else(
                || in_place_of_a_user(record.actor).to_owned(),
                |user| names.of(user),
            ),
            gist: gist::gist(
                record.subject.as_deref().unwrap_or_default(),
                &record.details,
                &names,
            ),
            with: record.credential.unwrap_or_default(),
            subject: record.subject.unwrap_or_default(),
            address: record.address.unwrap_or_default(),
            request_id: record.request_id.unwrap_or_default(),
            details: pretty(&record.details),
            kind: record.kind,
        })
        .collect();
    page(
        form.status(),
        &Audit {
            frame: &visit.frame,
            form: &form,
            kinds: KINDS,
            names: &names,
            records,
            paging,
        },
    )
}

/// Returns the name of an actor that is not a known user.
fn in_place_of_a_user(actor: Option<ActorKind>) -> &'static str {
    match actor {
        Some(ActorKind::Operator) => t!("audit.by_operator"),
        Some(ActorKind::Server) => t!("audit.by_server"),
        Some(ActorKind::IdentityProvider) => t!("audit.by_provider"),
        Some(ActorKind::User) | None => t!("audit.nobody"),
    }
}

/// Returns the text for a kind of event, or its name if the catalogue has none.
pub(crate) fn in_words(kind: &str) -> &str {
    text::find(&format!("audit.{kind}")).unwrap_or(kind)
}

/// JSON with line breaks; empty where it says nothing.
pub(crate) fn pretty(json: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(serde_json::Value::Object(members)) if members.is_empty() => String::new(),
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        Err(_) => json.to_owned(),
    }
}
