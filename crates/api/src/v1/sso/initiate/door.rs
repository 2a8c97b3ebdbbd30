//! Where a browser begins: it keeps a cookie and is sent to the provider.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use vestibule_accounts::RequestSource;
use vestibule_federation::{ReturnTo, Sso, StartSignIn, StartedSignIn};
use vestibule_handler::{BindingCookie, Result, Stranger, session_cookies};
use vestibule_http::{PathId, Problem};
use vestibule_model::{ConnectionId, Digest, OrganizationId};

use super::wanted::target;
use crate::ApiState;
use crate::single_sign_on::{SingleSignOn, redirect};

/// The door of an organisation, with a browser in front of it.
pub(super) struct Door {
    pub(super) sso: Sso,
    pub(super) binding: Option<String>,
    pub(super) origin: RequestSource,
    /// The session cookies that the browser has.
    sessions: Vec<Digest>,
    organization: OrganizationId,
    cookie: BindingCookie,
    headers: HeaderMap,
}

impl FromRequestParts<ApiState> for Door {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let SingleSignOn(sso) = SingleSignOn::from_request_parts(parts, state).await?;
        let PathId(organization) = PathId::from_request_parts(parts, state).await?;
        let Ok(stranger) = Stranger::from_request_parts(parts, state).await;
        let cookie = BindingCookie::beside(&state.cookie);
        Ok(Self {
            sso,
            binding: cookie.presented(&parts.headers).map(str::to_owned),
            origin: stranger.into(),
            sessions: session_cookies(&parts.headers, &state.cookie),
            organization,
            cookie,
            headers: parts.headers.clone(),
        })
    }
}

impl Door {
    /// A sign-in at this door.
    pub(super) async fn request(
        &self,
        connection: Option<ConnectionId>,
        return_to: ReturnTo,
        state: Option<String>,
        login_hint: Option<String>,
    ) -> Result<StartSignIn> {
        Ok(StartSignIn {
            target: target(&self.sso, Some(self.organization), connection).await?,
            return_to,
            state,
            login_hint,
            binding: self.binding.clone(),
            replaces: None,
            origin: self.origin.clone(),
        })
    }

    /// Returns the page that asks a user who is signed in in this browser before that session ends;
    /// `None` if nobody is. The browser's own word on where the link stood does not matter: our own
    /// pages send it here, too, and so does a link in a mail.
    pub(super) async fn question(&self, request: &StartSignIn) -> Result<Option<String>> {
        let accounts = self.sso.accounts();
        if accounts.user_of_browser(&self.sessions).await?.is_none() {
            return Ok(None);
        }
        let ahead = self.sso.destination(request).await?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("connection", &ahead.connection.to_string());
        if let ReturnTo::Browser { path } = &request.return_to {
            query.append_pair("return_to", path);
        }
        if let Some(email) = &request.login_hint {
            query.append_pair("email", email);
        }
        Ok(Some(format!("/sign-in/confirm?{}", query.finish())))
    }

    /// Begins it.
    pub(super) async fn open(&self, status: StatusCode, request: StartSignIn) -> Result<Response> {
        let begun = self.sso.start(request).await?;
        self.go(status, &begun)
    }

    /// Sends the browser to the provider, with the cookies to come back with.
    pub(super) fn go(&self, status: StatusCode, begun: &StartedSignIn) -> Result<Response> {
        let mut response = redirect(status, &begun.redirect_url, None)?;
        for cookie in
            self.cookie
                .set(&self.headers, begun.binding.expose(), begun.carried.named())?
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }
}
