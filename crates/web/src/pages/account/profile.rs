//! What one is called.

use askama::Template;
use vestibule_layer::{Routes, Rule};
use vestibule_model::Name;

use crate::failure::Outcome;
use crate::form::{FORM, Form, Posted};
use crate::frame::Frame;
use crate::respond::{done, page};
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in();
    Routes::pages()
        .get("/account", rule.clone(), show)
        .post("/account", rule.consumes(FORM), save)
}

#[derive(Template)]
#[template(path = "account/profile.html")]
struct Profile<'a> {
    frame: &'a Frame,
    form: &'a Form,
    user_id: String,
    /// Set if this session may change the names.
    may_change: bool,
}

async fn render(visit: &Visit, form: &Form) -> Outcome {
    let accounts = visit.web.accounts();
    page(
        form.status(),
        &Profile {
            frame: &visit.frame,
            form,
            user_id: visit.permit.user_id().to_string(),
            may_change: accounts.may_change_profile(&visit.permit).await?,
        },
    )
}

async fn show(visit: Visit) -> Outcome {
    let me = visit.web.accounts().me(&visit.permit).await?;
    let text = |name: Option<Name>| name.map(|name| name.to_string()).unwrap_or_default();
    let form = Form::default()
        .with("first_name", text(me.user.first_name))
        .with("last_name", text(me.user.last_name));
    render(&visit, &form).await
}

async fn save(Posted { visit, mut form }: Posted) -> Outcome {
    let first = form.read_optional::<Name>("first_name");
    let last = form.read_optional::<Name>("last_name");
    if form.is_refused() {
        return render(&visit, &form).await;
    }
    let accounts = visit.web.accounts();
    match accounts.update_profile(&visit.permit, first, last).await {
        Ok(()) => done("/account", "profile"),
        Err(error) => render(&visit, &form.refused(error)?).await,
    }
}
