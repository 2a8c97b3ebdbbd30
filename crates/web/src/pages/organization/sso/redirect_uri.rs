//! Where the organisation's applications get their people back.

use vestibule_layer::{Routes, Rule};
use vestibule_model::{RedirectUriId, Role};

use super::list::{answer, sso};
use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Posted};
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let owner = Rule::signed_in().role(Role::Owner).consumes(FORM);
    let path = "/organization/{organization}/sso/redirect-uris";
    Routes::pages().post(path, owner, change)
}

async fn change(Posted { visit, form }: Posted) -> Outcome {
    let (sso, caller) = (sso(&visit)?, visit.caller());
    let (done, what) = match form.value("act") {
        "add" => {
            let added = sso.add_redirect_uri(&caller, form.value("redirect_uri").trim());
            (added.await.map(drop), "redirect_uri_added")
        }
        "remove" => {
            let id = form.value("id").parse::<RedirectUriId>();
            let id = id.map_err(|_| no_such("redirect URI"))?;
            let removed = sso.remove_redirect_uri(&caller, id);
            (removed.await, "redirect_uri_removed")
        }
        _ => return Err(no_such("action")),
    };
    answer(&visit, form, done, what).await
}
