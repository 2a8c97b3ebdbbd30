//! Another sign-in, asked about before it takes the place of the one that there is.
//!
//! A link on any page can lead here, and the provider behind it may answer without asking anybody.
//! So nothing begins before the person has said so in a form of ours.

use askama::Template;
use axum::extract::{RawQuery, State};
use http::{HeaderMap, StatusCode};
use vestibule_federation::{ReturnTo, SignInDestination, SignInTarget, Sso, StartSignIn};
use vestibule_handler::{BindingCookie, Stranger, session_cookies};
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ConnectionId, Email, User};

use super::provider::{Provider, signin_path};
use crate::failure::{Outcome, no_sso, no_such};
use crate::form::{FORM, Form};
use crate::look::Look;
use crate::respond::{page, see_other, with_cookies};
use crate::return_to::local;
use crate::web::Web;

const PATH: &str = "/sign-in/confirm";

pub(super) fn routes() -> Routes<Web> {
    // Public: a session whose organisation lets nobody in is asked about, too. The form is guarded
    // as every form of a page is: by its origin.
    Routes::pages()
        .get(PATH, Rule::public(), ask)
        .post(PATH, Rule::public().consumes(FORM), go)
}

#[derive(Template)]
#[template(path = "sign_in_confirm.html")]
struct Question<'a> {
    frame: Look,
    user: &'a User,
    ahead: &'a SignInDestination,
    email: String,
    return_to: &'a str,
}

/// The parameters of the link, and of the form.
struct Asked<'f> {
    connection: ConnectionId,
    email: Option<Email>,
    return_to: &'f str,
}

impl<'f> Asked<'f> {
    fn read(form: &'f Form) -> Result<Self, vestibule_handler::Failure> {
        let connection = form.value("connection").parse();
        Ok(Self {
            connection: connection.map_err(|_| no_such("connection"))?,
            // Only an address is passed on, and nothing else that a link says.
            email: form.value("email").parse().ok(),
            return_to: local(form.value("return_to")).unwrap_or("/organization"),
        })
    }

    fn initiate(&self, stranger: Stranger) -> StartSignIn {
        StartSignIn {
            target: SignInTarget::Connection(self.connection),
            return_to: ReturnTo::Browser {
                path: self.return_to.to_owned(),
            },
            state: None,
            login_hint: self.email.as_ref().map(ToString::to_string),
            binding: None,
            replaces: None,
            origin: stranger.into(),
        }
    }
}

/// Returns the user who is signed in in the browser, whether or not the session passes the check.
async fn present(
    web: &Web,
    headers: &HeaderMap,
) -> Result<Option<User>, vestibule_accounts::Error> {
    let sessions = session_cookies(headers, web.cookie());
    web.accounts().user_of_browser(&sessions).await
}

async fn ask(
    State(web): State<Web>,
    stranger: Stranger,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Outcome {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let (sso, asked) = (web.sso().ok_or_else(no_sso)?, Asked::read(&form)?);
    let Some(user) = present(&web, &headers).await? else {
        return begin(sso, &asked, stranger).await;
    };
    let ahead = sso.destination(&asked.initiate(stranger)).await?;
    show(&web, StatusCode::OK, &asked, &user, &ahead)
}

/// Nobody is signed in, so that nothing has to be asked.
async fn begin(sso: &Sso, asked: &Asked<'_>, stranger: Stranger) -> Outcome {
    let ahead = sso.destination(&asked.initiate(stranger)).await?;
    see_other(&signin_path(
        ahead.organization.id,
        ahead.connection,
        asked.return_to,
        asked.email.as_ref(),
    ))
}

fn show(
    web: &Web,
    status: StatusCode,
    asked: &Asked<'_>,
    user: &User,
    ahead: &SignInDestination,
) -> Outcome {
    page(
        status,
        &Question {
            frame: web.look().clone(),
            user,
            ahead,
            email: asked
                .email
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            return_to: asked.return_to,
        },
    )
}

/// Goes to the provider, where it is still the same person who is signed in.
async fn go(State(web): State<Web>, stranger: Stranger, headers: HeaderMap, form: Form) -> Outcome {
    let (sso, asked) = (web.sso().ok_or_else(no_sso)?, Asked::read(&form)?);
    let user = present(&web, &headers).await?;
    let mut request = asked.initiate(stranger);
    if let Some(user) = &user
        && form.value("user") != user.id.to_string()
    {
        let ahead = sso.destination(&request).await?;
        return show(&web, StatusCode::CONFLICT, &asked, user, &ahead);
    }
    let cookie = BindingCookie::beside(web.cookie());
    request.binding = cookie.presented(&headers).map(str::to_owned);
    request.replaces = user.map(|user| user.id);
    let begun = sso.start(request).await?;
    let cookies = cookie.set(&headers, begun.binding.expose(), begun.carried.named())?;
    // A form may not end at another site, so that this page sends the browser to the provider.
    let answer = page(
        StatusCode::OK,
        &Provider {
            frame: web.look().clone(),
            email: asked.email.clone(),
            start: begun.redirect_url,
            return_to: asked.return_to.to_owned(),
        },
    )?;
    Ok(with_cookies(answer, cookies))
}
