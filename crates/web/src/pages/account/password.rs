//! Another password.

use askama::Template;
use http::HeaderMap;
use vestibule_accounts::PasswordChange;
use vestibule_handler::session_cookie;
use vestibule_layer::{Routes, Rule};

use crate::failure::Outcome;
use crate::form::{FORM, Form, Posted};
use crate::frame::Frame;
use crate::respond::{done, page, with_cookie};
use crate::visit::Visit;
use crate::web::Web;

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in();
    Routes::pages()
        .get("/account/password", rule.clone(), show)
        .post("/account/password", rule.consumes(FORM), change)
}

#[derive(Template)]
#[template(path = "account/password.html")]
struct Password<'a> {
    frame: &'a Frame,
    form: &'a Form,
}

fn render(visit: &Visit, form: &Form) -> Outcome {
    page(
        form.status(),
        &Password {
            frame: &visit.frame,
            form,
        },
    )
}

async fn show(visit: Visit) -> Outcome {
    render(&visit, &Form::default())
}

async fn change(headers: HeaderMap, Posted { visit, form }: Posted) -> Outcome {
    let web = &visit.web;
    let presented = session_cookie(&headers, web.cookie())?;
    let mut form = form;
    let current = form.take_password("current_password");
    let new = form.take_password("new_password");
    let (Some(current), Some(new)) = (current, new) else {
        return render(&visit, &form);
    };
    let wanted = PasswordChange { current, new };
    let changed = web
        .accounts()
        .change_password(&visit.permit, &presented, wanted)
        .await;
    match changed {
        Ok(cookie) => {
            let done = done("/account/sessions", "password")?;
            with_cookie(done, web.cookie().set(&cookie))
        }
        Err(error) => render(&visit, &form.refused(error)?),
    }
}
