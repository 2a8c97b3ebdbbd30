//! A request to a page of a user who is signed in.

use askama::Template;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use vestibule_accounts::Caller;
use vestibule_handler::Failure;
use vestibule_http::Problem;
use vestibule_layer::Permit;
use vestibule_model::{OrganizationId, Role};

use crate::failure::Outcome;
use crate::frame::{Choice, Frame};
use crate::notice;
use crate::pages::sections;
use crate::respond::{done, page};
use crate::web::Web;
use crate::words::name_of;

/// The page that says that the organisation has changed under another page.
#[derive(Template)]
#[template(path = "other_organization.html")]
struct OtherOrganization<'a> {
    frame: &'a Frame,
    /// The organisation that the page was for, where one can go there.
    other: Option<&'a Choice>,
}

/// A request to a page of somebody who is signed in. Where the path names an organisation, it is
/// the active one.
pub(crate) struct Visit {
    pub(crate) web: Web,
    pub(crate) permit: Permit,
    pub(crate) frame: Frame,
    params: Vec<(String, String)>,
}

impl Visit {
    /// Returns a parameter of the path.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::from(&self.permit)
    }

    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.frame.current.id
    }

    /// Sends the browser on to a page of the organisation, which says what was done.
    pub(crate) fn done(&self, rest: &str, what: &'static str) -> Outcome {
        done(&self.frame.path(rest), what)
    }

    /// The answer to what was meant for another organisation than the active one.
    pub(crate) fn other_organization(&self, meant: &str) -> Outcome {
        let meant = meant.parse::<OrganizationId>().ok();
        let choices = self.frame.organizations.iter();
        let other = choices
            .clone()
            .find(|choice| Some(choice.id) == meant)
            .cloned();
        page(
            StatusCode::CONFLICT,
            &OtherOrganization {
                frame: &self.frame,
                other: other.as_ref(),
            },
        )
    }

    async fn new(parts: &mut Parts, web: &Web) -> Result<(Self, Option<String>), Failure> {
        let permit = Permit::from_request_parts(parts, web).await;
        let permit = permit.map_err(|_| Problem::internal())?;
        let params = RawPathParams::from_request_parts(parts, web).await;
        let params = params.map_err(|_| Problem::internal())?;
        let params: Vec<_> = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let named = params.iter().find(|(name, _)| name == "organization");
        let named = named.map(|(_, id)| id.clone());
        let view = web.accounts().session_view(&permit).await?;
        let path = parts.uri.path();
        let active = view.active.id;
        let choice = |(organization, role): (vestibule_model::Organization, Role)| Choice {
            id: organization.id,
            name: organization.name.to_string(),
            role,
            is_current: organization.id == active,
        };
        let organizations: Vec<_> = view.organizations.into_iter().map(choice).collect();
        let current = choice((view.active, view.role));
        // The switcher opens the same page elsewhere, where only the organisation's id differs.
        let section = match &named {
            Some(id) => path.replacen(id.as_str(), "{organization}", 1),
            None => path.to_owned(),
        };
        let user_email = view.user.email.to_string();
        // The cookie names a sentence alone, so that the address in it is the signed-in user's.
        let done = notice::read(&parts.headers);
        let frame = Frame {
            done: done.map(|text| text.replacen("{}", &user_email, 1)),
            look: web.look().clone(),
            public_url: web.public_url().to_owned(),
            user_id: permit.user_id(),
            user_name: name_of(&view.user),
            user_email,
            groups: sections::groups(web, &current, &section),
            organizations,
            current,
            by_provider: view.by_provider,
            section,
        };
        let visit = Self {
            web: web.clone(),
            permit,
            frame,
            params,
        };
        Ok((visit, named))
    }
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let (visit, named) = Self::new(parts, web)
            .await
            .map_err(IntoResponse::into_response)?;
        match named {
            // A tab may be older than the last switch. Carrying out its form in the active organisation
            // instead would change the wrong one.
            Some(id) if id.parse() != Ok(visit.organization_id()) => {
                Err(visit.other_organization(&id).into_response())
            }
            _ => Ok(visit),
        }
    }
}
