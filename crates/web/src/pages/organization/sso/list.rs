//! The page with an organisation's connections, domains and redirect URIs, and its policy.

use askama::Template;
use vestibule_accounts::{Error, SsoPolicy};
use vestibule_federation::Sso;
use vestibule_handler::Failure;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{RegisteredRedirectUri, Role, SsoConnection, SsoDomain, UserId};

use crate::failure::{Outcome, no_sso, no_such};
use crate::form::{FORM, Form, Posted};
use crate::frame::Frame;
use crate::pages::organization::names::{Names, owners};
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let owner = Rule::signed_in().role(Role::Owner);
    let admin = Rule::signed_in().role(Role::Admin);
    let policy_path = "/organization/{organization}/sso/policy";
    Routes::pages()
        .get("/organization/{organization}/sso", admin, list)
        .post(policy_path, owner.consumes(FORM), policy)
}

/// Single sign-on, where this server has it.
pub(super) fn sso(visit: &Visit) -> Result<Sso, Failure> {
    visit.web.sso().cloned().ok_or_else(no_sso)
}

#[derive(Template)]
#[template(path = "organization/sso/list.html")]
struct List<'a> {
    frame: &'a Frame,
    form: &'a Form,
    connections: Vec<SsoConnection>,
    domains: Vec<SsoDomain>,
    redirect_uris: Vec<RegisteredRedirectUri>,
    policy: SsoPolicy,
    owners: &'a Names,
}

impl List<'_> {
    /// Set if an owner may sign in by password although single sign-on is required.
    fn is_exempt(&self, user: &str) -> bool {
        let exempt: Vec<UserId> = self.policy.break_glass.clone();
        user.parse().is_ok_and(|user| exempt.contains(&user))
    }

    fn connection_name(&self, domain: &SsoDomain) -> String {
        let found = self
            .connections
            .iter()
            .find(|it| Some(it.id) == domain.connection_id);
        found.map_or_else(String::new, |it| it.name.to_string())
    }
}

async fn render(visit: &Visit, form: &Form) -> Outcome {
    let (sso, caller) = (sso(visit)?, visit.caller());
    let owners = owners(visit).await?;
    page(
        form.status(),
        &List {
            frame: &visit.frame,
            form,
            connections: sso.connections(&caller).await?,
            domains: sso.domains(&caller).await?,
            redirect_uris: sso.redirect_uris(&caller).await?,
            policy: sso.sso_policy(&caller).await?,
            owners: &owners,
        },
    )
}

async fn list(visit: Visit) -> Outcome {
    render(&visit, &Form::default()).await
}

/// Sets the members who are exempt, and whether the others must use single sign-on.
async fn policy(Posted { visit, form }: Posted) -> Outcome {
    let (sso, caller) = (sso(&visit)?, visit.caller());
    let owners = form.values("owner").map(str::parse::<UserId>);
    let owners: Result<Vec<_>, _> = owners.collect();
    // Whoever is left out has to use single sign-on: nobody is, for an id that cannot be read.
    let owners = owners.map_err(|_| no_such("member"))?;
    let done = match form.value("act") {
        "break_glass" => sso.set_break_glass(&caller, &owners).await,
        // Both buttons stand below the list: what is ticked counts, whichever is pressed.
        "enforce" => {
            sso.change_sso_policy(&caller, Some(true), Some(&owners))
                .await
        }
        "relax" => sso.enforce_sso(&caller, false).await,
        _ => return Err(no_such("action")),
    };
    answer(&visit, form, done.map(drop), "sso_policy").await
}

/// Tells what was done, or shows what was sent with what was wrong with it.
pub(super) async fn answer(
    visit: &Visit,
    form: Form,
    done: Result<(), Error>,
    what: &'static str,
) -> Outcome {
    match done {
        Ok(()) => visit.done("/sso", what),
        Err(error) => render(visit, &form.refused(error)?).await,
    }
}
