//! One's own API keys in the active organisation.

mod created;

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use vestibule_accounts::limits::NEW_API_KEYS;
use vestibule_accounts::{NewApiKey, NewGrant};
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ApiKeyId, Capability, Grant, Name, ResourcePath, Timestamp};

use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Form, Posted, TOKEN};
use crate::frame::Frame;
use crate::new_key::NewKeyCookie;
use crate::respond::{done, page, see_other, with_cookie};
use crate::visit::Visit;
use crate::web::Web;
use crate::words::CAPABILITIES;

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in();
    let make = rule.clone().consumes(FORM).limit(NEW_API_KEYS);
    Routes::pages()
        .get("/account/keys", rule.clone(), list)
        .get("/account/keys/new", rule.clone(), new)
        .post("/account/keys", make, create)
        .post("/account/keys/revoke", rule.consumes(FORM), revoke)
        .merge(created::routes())
}

/// The number of paths in the form. The API takes more.
const ROWS: usize = 4;

/// The lifetimes to choose from for a new key, in days. The first is the default.
const DAYS: [u64; 4] = [90, 7, 30, 365];

/// One key.
struct Shown {
    id: ApiKeyId,
    name: Name,
    suffix: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    is_expired: bool,
    grants: Option<Vec<Grant>>,
}

#[derive(Template)]
#[template(path = "account/keys.html")]
struct Keys<'a> {
    frame: &'a Frame,
    keys: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "account/key_new.html")]
struct New<'a> {
    frame: &'a Frame,
    form: &'a Form,
    token: String,
    days: [u64; 4],
    rows: usize,
    capabilities: [Capability; 3],
}

async fn list(visit: Visit) -> Outcome {
    let now = visit.web.now();
    let keys = visit.web.accounts().api_keys(&visit.permit).await?;
    let keys = keys
        .into_iter()
        .rev()
        .map(|(key, grants)| Shown {
            id: key.id,
            name: key.name,
            suffix: key.suffix,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            is_expired: key.expires_at.is_some_and(|end| end <= now),
            grants,
        })
        .collect();
    page(
        StatusCode::OK,
        &Keys {
            frame: &visit.frame,
            keys,
        },
    )
}

fn show_new(visit: &Visit, form: &Form) -> Outcome {
    page(
        form.status(),
        &New {
            frame: &visit.frame,
            form,
            // A new one each time: a form is shown again only where it has created nothing.
            token: visit.web.accounts().api_key_form(&visit.caller())?,
            days: DAYS,
            rows: ROWS,
            capabilities: CAPABILITIES,
        },
    )
}

async fn new(visit: Visit) -> Outcome {
    show_new(&visit, &Form::default())
}

/// Parses the form. Returns `None` if a field is refused.
fn wanted(form: &mut Form, now: Timestamp) -> Option<NewApiKey> {
    const DAY: u64 = 24 * 60 * 60;
    let name = form.read::<Name>("name");
    let expires_at = match form.value("expires_in") {
        "never" => None,
        days => match days.parse::<u64>() {
            Ok(days) if DAYS.contains(&days) => Some(now.after(Duration::from_secs(days * DAY))),
            _ => {
                form.refuse("expires_in", t!("key.expires_in_wrong"));
                None
            }
        },
    };
    let mut grants = Vec::new();
    if form.has("scope", "paths") {
        for row in 0..ROWS {
            let path = format!("grants[{row}].path");
            let Some(path) = form.read_optional::<ResourcePath>(&path) else {
                continue;
            };
            let capability = format!("grants[{row}].capability");
            if let Some(capability) = form.read::<Capability>(&capability) {
                grants.push(NewGrant {
                    path,
                    capability,
                    can_approve: false,
                });
            }
        }
        if grants.is_empty() && !form.is_refused() {
            form.refuse("grants[0].path", t!("key.paths_missing"));
        }
    }
    let key = NewApiKey::named(name?)
        .expiring(expires_at)
        .narrowed_to(form.has("scope", "paths").then_some(grants));
    (!form.is_refused()).then_some(key)
}

async fn create(Posted { visit, mut form }: Posted) -> Outcome {
    let Some(wanted) = wanted(&mut form, visit.web.now()) else {
        return show_new(&visit, &form);
    };
    let (accounts, caller) = (visit.web.accounts(), visit.caller());
    let Some(prepared) = accounts.open_api_key_form(&caller, form.value(TOKEN)) else {
        return show_new(&visit, &form.stale());
    };
    match accounts
        .create_api_key_once(&visit.permit, prepared, wanted)
        .await
    {
        Ok(None) => show_new(&visit, &form.stale()),
        Ok(Some(key)) => {
            let answer = see_other(&created::path(key.id))?;
            match key.sealed_secret {
                Some(sealed) => {
                    let cookie = NewKeyCookie::beside(visit.web.cookie());
                    with_cookie(answer, cookie.set(&sealed))
                }
                None => Ok(answer),
            }
        }
        Err(error) => show_new(&visit, &form.refused(error)?),
    }
}

async fn revoke(Posted { visit, form }: Posted) -> Outcome {
    let id = form.value("key").parse::<ApiKeyId>();
    let id = id.map_err(|_| no_such("API key"))?;
    let accounts = visit.web.accounts();
    accounts.revoke_api_key(&visit.permit, id).await?;
    done("/account/keys", "key")
}
