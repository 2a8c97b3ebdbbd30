//! The e-mail domains whose people sign in through the organisation's provider.

use vestibule_accounts::limits::SSO_DOMAIN_CHECKS;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ConnectionId, DomainId, Role};

use super::list::{answer, sso};
use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Posted};
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let owner = Rule::signed_in().role(Role::Owner).consumes(FORM);
    let rule = owner.limit(SSO_DOMAIN_CHECKS);
    Routes::pages().post("/organization/{organization}/sso/domains", rule, change)
}

async fn change(Posted { visit, form }: Posted) -> Outcome {
    let (sso, caller) = (sso(&visit)?, visit.caller());
    let id = form.value("domain").parse::<DomainId>();
    let id = id.map_err(|_| no_such("domain"));
    let (done, what) = match form.value("act") {
        "add" => {
            let connection = match form.value("connection") {
                "" => None,
                id => Some(
                    id.parse::<ConnectionId>()
                        .map_err(|_| no_such("connection"))?,
                ),
            };
            let added = sso.add_domain(&caller, form.value("domain").trim(), connection);
            (added.await.map(drop), "domain_added")
        }
        "verify" => {
            let verified = sso.verify_domain(&caller, id?).await;
            (verified.map(drop), "domain_verified")
        }
        "remove" => (sso.remove_domain(&caller, id?).await, "domain_removed"),
        _ => return Err(no_such("action")),
    };
    answer(&visit, form, done, what).await
}
