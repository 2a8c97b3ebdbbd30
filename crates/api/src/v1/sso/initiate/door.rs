//! Where a browser begins: it keeps a cookie and is sent to the provider.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use vestibule_accounts::{Initiate, Initiated, Origin, ReturnTo, Sso};
use vestibule_handler::{BindingCookie, Result, Stranger};
use vestibule_http::Problem;
use vestibule_model::{ConnectionId, OrganizationId};

use super::wanted::target;
use crate::ApiState;
use crate::input::Id;
use crate::single_sign_on::{SingleSignOn, redirect};

/// The door of an organisation, with a browser in front of it.
pub(super) struct Door {
    pub(super) sso: Sso,
    pub(super) binding: Option<String>,
    pub(super) origin: Origin,
    organization: OrganizationId,
    cookie: BindingCookie,
}

impl FromRequestParts<ApiState> for Door {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let SingleSignOn(sso) = SingleSignOn::from_request_parts(parts, state).await?;
        let Id(organization) = Id::from_request_parts(parts, state).await?;
        let Ok(stranger) = Stranger::from_request_parts(parts, state).await;
        let cookie = BindingCookie::beside(&state.cookie);
        Ok(Self {
            sso,
            binding: cookie.presented(&parts.headers).map(str::to_owned),
            origin: stranger.into(),
            organization,
            cookie,
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
    ) -> Result<Initiate> {
        Ok(Initiate {
            target: target(&self.sso, Some(self.organization), connection).await?,
            return_to,
            state,
            login_hint,
            binding: self.binding.clone(),
            origin: self.origin.clone(),
        })
    }

    /// Begins it.
    pub(super) async fn open(&self, status: StatusCode, request: Initiate) -> Result<Response> {
        let begun = self.sso.initiate(request).await?;
        self.go(status, &begun)
    }

    /// Sends the browser to the provider, with the cookie that binds it.
    pub(super) fn go(&self, status: StatusCode, begun: &Initiated) -> Result<Response> {
        let cookie = self.cookie.set(&begun.binding)?;
        Ok(redirect(status, &begun.redirect_url, Some(cookie))?)
    }
}
