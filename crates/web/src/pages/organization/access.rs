//! Who may do what, and why.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::RawQuery;
use vestibule_accounts::{AccessGround, Asked, Error, ExplainedAccess, Page};
use vestibule_layer::{Routes, Rule};
use vestibule_model::{Capability, GroupId, HeldGrant, ResourcePath, Role, UserId};

use super::names::{Names, names};
use crate::failure::Outcome;
use crate::form::Form;
use crate::frame::Frame;
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;
use crate::words::{CAPABILITIES, capability, role};

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in().role(Role::Admin);
    Routes::pages().get("/organization/{organization}/access", rule, ask)
}

/// The answer to a question.
struct Answer {
    is_allowed: bool,
    /// The question and its answer, in one sentence.
    verdict: String,
    /// The role or grant that decides, or the one that is missing.
    why: String,
    inactive: Option<&'static str>,
    grants: Vec<(HeldGrant, bool)>,
    groups: GroupNames,
}

/// As many groups as are looked up for their names.
const MOST: u32 = 1_000;

/// The names of the organisation's groups; of the first of them, where there are very many.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupNames(BTreeMap<GroupId, String>);

impl GroupNames {
    pub(super) async fn new(visit: &Visit) -> Result<Self, Error> {
        let accounts = visit.web.accounts();
        let groups = accounts.groups(&visit.caller(), Page::first(MOST)).await?;
        let named = groups
            .items
            .into_iter()
            .map(|it| (it.id, it.name.to_string()));
        Ok(Self(named.collect()))
    }

    /// The name of a group; the id of one that is gone or was not looked up.
    pub(super) fn of(&self, group: &GroupId) -> String {
        let name = self.0.get(group).cloned();
        name.unwrap_or_else(|| group.to_string())
    }
}

#[derive(Template)]
#[template(path = "organization/access.html")]
struct AccessPage<'a> {
    frame: &'a Frame,
    form: &'a Form,
    names: &'a Names,
    capabilities: [Capability; 3],
    answer: Option<Answer>,
}

impl Answer {
    fn new(asked: &Asked, access: ExplainedAccess, name: &str, groups: GroupNames) -> Self {
        use vestibule_policy::Refusal;
        let wanted = capability(&asked.capability);
        let (is_allowed, why, deciding) = match access.outcome {
            Ok(AccessGround::Role(held)) => (true, t!("access.by_role", role(&held)), None),
            Ok(AccessGround::Home(home)) => (true, t!("access.by_home", home), None),
            Ok(AccessGround::Grant(grant)) => {
                let held = capability(&grant.capability);
                let why = match grant.through {
                    None => t!("access.by_grant", held, grant.path),
                    Some(group) => t!("access.by_group", held, grant.path, groups.of(&group)),
                };
                (true, why, Some(grant.id))
            }
            Err(Refusal::Path {
                have: Some(have), ..
            }) => (false, t!("access.too_little", capability(&have)), None),
            Err(_) => (false, t!("access.nothing").to_owned(), None),
        };
        let verdict = if is_allowed {
            t!("access.allowed", name, wanted, asked.path)
        } else {
            t!("access.refused", name, wanted, asked.path)
        };
        let grants = access.grants.into_iter();
        Self {
            is_allowed: is_allowed && access.inactive.is_none(),
            verdict,
            why,
            inactive: access.inactive.map(|_| t!("access.inactive")),
            grants: grants
                .map(|grant| (grant.clone(), Some(grant.id) == deciding))
                .collect(),
            groups,
        }
    }
}

async fn ask(visit: Visit, RawQuery(query): RawQuery) -> Outcome {
    let mut form = Form::parse(query.unwrap_or_default().as_bytes());
    let names = names(&visit, form.value("user").parse().ok()).await?;
    let mut answer = None;
    if !form.value("user").is_empty() || !form.value("path").is_empty() {
        let user = form.read::<UserId>("user");
        let path = form.read::<ResourcePath>("path");
        let wanted = form.read::<Capability>("capability");
        if let (Some(user), Some(path), Some(capability)) = (user, path, wanted) {
            let asked = Asked {
                user,
                path,
                capability,
            };
            let accounts = visit.web.accounts();
            let access = accounts.explain_access(&visit.caller(), &asked).await?;
            let groups = GroupNames::new(&visit).await?;
            answer = Some(Answer::new(&asked, access, &names.of(user), groups));
        }
    }
    page(
        form.status(),
        &AccessPage {
            frame: &visit.frame,
            form: &form,
            names: &names,
            capabilities: CAPABILITIES,
            answer,
        },
    )
}
