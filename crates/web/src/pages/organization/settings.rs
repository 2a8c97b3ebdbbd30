//! What the organisation is called.

use askama::Template;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{Name, Role};

use crate::failure::Outcome;
use crate::form::{FORM, Form, Posted};
use crate::frame::Frame;
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;

const PATH: &str = "/organization/{organization}/settings";

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in().role(Role::Admin);
    Routes::pages()
        .get(PATH, rule.clone(), show)
        .post(PATH, rule.consumes(FORM), save)
}

#[derive(Template)]
#[template(path = "organization/settings.html")]
struct Settings<'a> {
    frame: &'a Frame,
    form: &'a Form,
}

fn render(visit: &Visit, form: &Form) -> Outcome {
    page(
        form.status(),
        &Settings {
            frame: &visit.frame,
            form,
        },
    )
}

async fn show(visit: Visit) -> Outcome {
    let form = Form::default().with("name", visit.frame.current.name.clone());
    render(&visit, &form)
}

async fn save(Posted { visit, mut form }: Posted) -> Outcome {
    let Some(name) = form.read::<Name>("name") else {
        return render(&visit, &form);
    };
    let accounts = visit.web.accounts();
    match accounts.rename_organization(&visit.caller(), name).await {
        Ok(()) => visit.done("/settings", "settings"),
        Err(error) => render(&visit, &form.refused(error)?),
    }
}
