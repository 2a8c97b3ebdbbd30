//! All keys of the organisation.

use askama::Template;
use http::StatusCode;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ApiKey, ApiKeyId, Role, UserId};

use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Form, Posted};
use crate::frame::Frame;
use crate::paging::{self, Paging};
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;

use super::names::names_of;

const PATH: &str = "/organization/{organization}/keys";

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in().role(Role::Admin);
    let revoke_path = "/organization/{organization}/keys/revoke";
    Routes::pages()
        .get(PATH, rule.clone(), list)
        .post(revoke_path, rule.consumes(FORM), revoke)
}

/// One key.
struct Shown {
    key: ApiKey,
    owner: String,
    is_expired: bool,
    /// Set if the caller may revoke it. Only owners may revoke keys of owners.
    is_within_reach: bool,
}

#[derive(Template)]
#[template(path = "organization/keys.html")]
struct Keys<'a> {
    frame: &'a Frame,
    list: Vec<Shown>,
    paging: Paging,
}

async fn list(visit: Visit, axum::extract::RawQuery(query): axum::extract::RawQuery) -> Outcome {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let accounts = visit.web.accounts();
    let keys = accounts
        .api_keys_of_organization(&visit.caller(), paging::part(&query))
        .await?;
    let shown: Vec<_> = keys.items.iter().map(|(key, _)| key.owner_id).collect();
    let (names, owners) = names_of(&visit, &shown).await?;
    let now = visit.web.now();
    let paging = Paging::new(&keys, &visit.frame.path("/keys"), &[]);
    let keys = keys
        .items
        .into_iter()
        .map(|(key, _)| Shown {
            owner: names.of(key.owner_id),
            is_within_reach: visit.frame.is_owner() || !owners.contains(&key.owner_id),
            is_expired: key.expires_at.is_some_and(|end| end <= now),
            key,
        })
        .collect();
    page(
        StatusCode::OK,
        &Keys {
            frame: &visit.frame,
            list: keys,
            paging,
        },
    )
}

async fn revoke(Posted { visit, form }: Posted) -> Outcome {
    let ids = (
        form.value("owner").parse::<UserId>(),
        form.value("key").parse::<ApiKeyId>(),
    );
    let (Ok(owner), Ok(key)) = ids else {
        return Err(no_such("API key"));
    };
    let accounts = visit.web.accounts();
    accounts
        .revoke_api_key_of(&visit.caller(), owner, key)
        .await?;
    visit.done("/keys", "key")
}
