//! Sign-in: first the address, then the way that its domain asks for.

mod confirm;
mod provider;

use askama::Template;
use axum::extract::{RawQuery, State};
use http::{HeaderMap, StatusCode};
use vestibule_accounts::{Error, SignIn};
use vestibule_federation::{Discovery, SignInMethod};
use vestibule_handler::{Stranger, session_cookies};
use vestibule_layer::{Permit, Routes, Rule};
use vestibule_model::{ConnectionId, Email, OrganizationId};

use self::provider::{Provider, signin_path};
use crate::failure::{Outcome, no_sso};
use crate::form::{FORM, Form};
use crate::look::Look;
use crate::respond::{page, see_other, with_cookie};
use crate::return_to::{encoded, local};
use crate::web::Web;

pub(crate) fn routes() -> Routes<Web> {
    // Public: this is where one becomes known. Whoever is known already is sent on.
    Routes::pages()
        .get("/sign-in", Rule::optional(), begin)
        .post("/sign-in", Rule::public().consumes(FORM), identify)
        .get("/sign-in/password", Rule::public(), again)
        .post("/sign-in/password", Rule::public().consumes(FORM), enter)
        .get("/sign-in/provider", Rule::public(), provider)
        .merge(confirm::routes())
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Begin {
    frame: Look,
    form: Form,
    /// Set if the user's session has ended.
    ended: bool,
}

#[derive(Template)]
#[template(path = "sign_in_password.html")]
struct Password {
    frame: Look,
    form: Form,
    /// The URL that starts a sign-in through a provider, if one is offered.
    provider: Option<String>,
}

async fn begin(
    State(web): State<Web>,
    permit: Option<Permit>,
    RawQuery(query): RawQuery,
) -> Outcome {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    if permit.is_some() {
        return see_other(local(form.value("return_to")).unwrap_or("/organization"));
    }
    show_begin(&web, form)
}

fn show_begin(web: &Web, form: Form) -> Outcome {
    page(
        form.status(),
        &Begin {
            frame: web.look().clone(),
            ended: form.has("ended", "1") && !form.is_refused(),
            form,
        },
    )
}

async fn again() -> Outcome {
    see_other("/sign-in")
}

async fn identify(State(web): State<Web>, stranger: Stranger, form: Form) -> Outcome {
    let mut form = form;
    let Some(email) = form.read::<Email>("email") else {
        return show_begin(&web, form);
    };
    let found = match discover(&web, &email, &stranger).await {
        Ok(found) => found,
        Err(error) => return show_begin(&web, form.refused(error)?),
    };
    match found {
        Some(Discovery {
            method: SignInMethod::Sso,
            connection: Some(to),
        }) => see_other(&provider_path(to, &email, &form)),
        found => {
            let provider = offered(found, &email, &form);
            show_password(&web, form, provider)
        }
    }
}

/// Returns the URL that starts a sign-in through a provider, if the domain has one.
fn offered(found: Option<Discovery>, email: &Email, form: &Form) -> Option<String> {
    let to = found?.connection?;
    Some(provider_path(to, email, form))
}

/// The password's page once more, with the provider that it offered.
async fn show_again(web: &Web, email: &Email, stranger: &Stranger, form: Form) -> Outcome {
    let found = discover(web, email, stranger).await.ok().flatten();
    let provider = offered(found, email, &form);
    show_password(web, form, provider)
}

async fn discover(
    web: &Web,
    email: &Email,
    stranger: &Stranger,
) -> Result<Option<Discovery>, Error> {
    match web.sso() {
        Some(sso) => sso.discover(email, stranger.address).await.map(Some),
        None => Ok(None),
    }
}

fn provider_path(to: (OrganizationId, ConnectionId), email: &Email, form: &Form) -> String {
    let (organization, connection) = to;
    let mut path = format!(
        "/sign-in/provider?organization={organization}&connection={connection}&email={}",
        encoded(email.as_str())
    );
    if let Some(return_to) = local(form.value("return_to")) {
        path.push_str("&return_to=");
        path.push_str(&encoded(return_to));
    }
    path
}

fn show_password(web: &Web, form: Form, provider: Option<String>) -> Outcome {
    page(
        form.status(),
        &Password {
            frame: web.look().clone(),
            form,
            provider,
        },
    )
}

/// A form may not end at another site, so that this page sends the browser to the provider.
async fn provider(State(web): State<Web>, RawQuery(query): RawQuery) -> Outcome {
    web.sso().ok_or_else(no_sso)?;
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let ids = (
        form.value("organization").parse::<OrganizationId>(),
        form.value("connection").parse::<ConnectionId>(),
    );
    let (Ok(organization), Ok(connection)) = ids else {
        return see_other("/sign-in");
    };
    let return_to = local(form.value("return_to")).unwrap_or("/organization");
    // Only an address is shown: whoever makes a link to this page may not write on it.
    let email = form.value("email").parse::<Email>().ok();
    let start = signin_path(organization, connection, return_to, email.as_ref());
    page(
        StatusCode::OK,
        &Provider {
            frame: web.look().clone(),
            email,
            start,
            return_to: return_to.to_owned(),
        },
    )
}

async fn enter(
    State(web): State<Web>,
    stranger: Stranger,
    headers: HeaderMap,
    form: Form,
) -> Outcome {
    let mut form = form;
    let Some(email) = form.read::<Email>("email") else {
        return show_begin(&web, form);
    };
    if form.value("password").is_empty() {
        form.refuse("password", t!("sign_in.password_missing"));
        return show_again(&web, &email, &stranger, form).await;
    }
    let Some(password) = form.take_password("password") else {
        return show_again(&web, &email, &stranger, form).await;
    };
    let sign_in = SignIn {
        email: email.clone(),
        password,
        organization_id: None,
        address: stranger.address,
        request_id: stranger.request_id.clone(),
    };
    let replaces = session_cookies(&headers, web.cookie());
    let done = web.accounts().sign_in_for_cookie(sign_in, &replaces).await;
    let done = match done {
        Ok(done) => done,
        Err(Error::BadCredentials) => {
            let form = form.saying(StatusCode::UNAUTHORIZED, t!("sign_in.wrong"));
            return show_again(&web, &email, &stranger, form).await;
        }
        Err(Error::Denied {
            reason: "sso_required",
            ..
        }) => {
            let form = form.saying(StatusCode::FORBIDDEN, t!("sign_in.sso_required"));
            return show_again(&web, &email, &stranger, form).await;
        }
        Err(error) => return show_again(&web, &email, &stranger, form.refused(error)?).await,
    };
    // Whoever has one organisation is sent on from there to its first page.
    let path = local(form.value("return_to")).unwrap_or("/organizations");
    with_cookie(see_other(path)?, web.cookie().set(&done.cookie))
}
