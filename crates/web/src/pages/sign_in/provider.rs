//! The step of a sign-in that leads to a provider.

use askama::Template;
use vestibule_model::{ConnectionId, Email, OrganizationId};

use crate::look::Look;
use crate::return_to::encoded;

/// The page that sends the browser on to a provider.
#[derive(Template)]
#[template(path = "sign_in_provider.html")]
pub(super) struct Provider {
    pub(super) frame: Look,
    pub(super) email: Option<Email>,
    /// The URL that starts the sign-in at the provider.
    pub(super) start: String,
    pub(super) return_to: String,
}

/// Returns the URL that starts a browser's sign-in through a provider.
pub(super) fn signin_path(
    organization: OrganizationId,
    connection: ConnectionId,
    return_to: &str,
    email: Option<&Email>,
) -> String {
    let mut start = format!(
        "/v1/auth/sso/{organization}/signin?connection_id={connection}&redirect={}",
        encoded(return_to)
    );
    if let Some(email) = email {
        start.push_str("&login_hint=");
        start.push_str(&encoded(email.as_str()));
    }
    start
}
