//! The first half of a sign-in: the redirect to the provider.

use vestibule_accounts::{Error, RequestSource, Result};
use vestibule_model::{
    ConnectionId, DomainName, OrgScope, Organization, OrganizationId, SsoConnection, UserId,
};
use vestibule_store::ConnectionSecrets;

use super::purpose::Purpose;
use super::redirect::{Browser, StartedSignIn};
use super::return_to::ReturnTo;
use crate::{NO_CONNECTION, SettingsVersion, Sso};

const LONGEST_STATE: usize = 256;
const LONGEST_HINT: usize = 320;

/// The provider to sign in at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInTarget {
    /// The provider of an organisation: the connection of the login hint's domain, or the oldest
    /// enabled one.
    Organization(OrganizationId),
    /// The provider of a connection.
    Connection(ConnectionId),
}

/// A request to start a sign-in.
#[derive(Debug, Clone)]
pub struct StartSignIn {
    /// The provider to sign in at.
    pub target: SignInTarget,
    /// The destination of the browser after the callback.
    pub return_to: ReturnTo,
    /// The application's own state, returned with the answer: at most 256 printable ASCII
    /// characters.
    pub state: Option<String>,
    /// The e-mail address of the expected user, passed on to the provider.
    pub login_hint: Option<String>,
    /// The value of the browser's binding cookie, if it has one.
    pub binding: Option<String>,
    /// The user who is signed in in the browser and agreed on our page to be signed out.
    pub replaces: Option<UserId>,
    /// The request that starts the sign-in.
    pub origin: RequestSource,
}

/// The organisation and the provider that a sign-in would lead to, for the page that asks before
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInDestination {
    /// The organisation of the new session.
    pub organization: Organization,
    /// The connection of the organisation.
    pub connection: ConnectionId,
    /// The host of the issuer, with its port if it has one.
    pub provider: String,
}

impl Sso {
    /// Starts a sign-in in the calling browser. Writes nothing.
    pub async fn start(&self, request: StartSignIn) -> Result<StartedSignIn> {
        self.count(request.origin.address)?;
        // The connection first: an unknown one has one answer, whatever else is wrong.
        let (scope, connection, secrets) = self.target(&request).await?;
        check_request(&request)?;
        self.check_return(scope, &request.return_to).await?;
        let purpose = Purpose::SignIn {
            to: request.return_to,
            state: request.state,
            replaces: request.replaces,
        };
        let browser = Browser {
            binding: request.binding.as_deref(),
            login_hint: request.login_hint,
            origin: &request.origin,
        };
        self.start_at_provider(
            &connection,
            &secrets,
            SettingsVersion::Live,
            purpose,
            browser,
        )
        .await
    }

    /// Returns the destination of a sign-in without starting it. Refuses the requests that
    /// [`start`](Self::start) refuses.
    pub async fn destination(&self, request: &StartSignIn) -> Result<SignInDestination> {
        self.count(request.origin.address)?;
        let (scope, connection, _) = self.target(request).await?;
        check_request(request)?;
        self.check_return(scope, &request.return_to).await?;
        let store = self.accounts().store();
        let organization = store.organization(connection.organization_id).await?;
        Ok(SignInDestination {
            organization: organization.ok_or(NO_CONNECTION)?,
            connection: connection.id,
            provider: authority(&connection.live.issuer).to_owned(),
        })
    }

    /// Returns a URL of this server that starts the sign-in in the browser that opens it, for a
    /// caller that is not the browser. The route behind it calls [`start`](Self::start) with the
    /// same values. Refuses the requests that [`start`](Self::start) refuses.
    pub async fn start_url(&self, request: &StartSignIn) -> Result<String> {
        self.count(request.origin.address)?;
        let (scope, connection, _) = self.target(request).await?;
        check_request(request)?;
        self.check_return(scope, &request.return_to).await?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        match &request.return_to {
            ReturnTo::Fragment { redirect_uri } => {
                query.append_pair("response_mode", "fragment");
                query.append_pair("redirect_uri", redirect_uri);
            }
            ReturnTo::Code { redirect_uri } => {
                query.append_pair("response_mode", "code");
                query.append_pair("redirect_uri", redirect_uri);
            }
            ReturnTo::Browser { path } => {
                query.append_pair("redirect", path);
            }
            ReturnTo::Json => {
                query.append_pair("response_mode", "json");
            }
        }
        if matches!(request.target, SignInTarget::Connection(_)) {
            query.append_pair("connection_id", &connection.id.to_string());
        }
        for (name, value) in [
            ("state", &request.state),
            ("login_hint", &request.login_hint),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        Ok(format!(
            "{}/v1/auth/sso/{}/start?{}",
            self.public_url(),
            connection.organization_id,
            query.finish()
        ))
    }

    /// Finds the enabled connection of a request. Every obstacle has the same answer, so that
    /// strangers learn nothing about an organisation's setup.
    async fn target(
        &self,
        request: &StartSignIn,
    ) -> Result<(OrgScope, SsoConnection, ConnectionSecrets)> {
        let id = match request.target {
            SignInTarget::Connection(id) => id,
            SignInTarget::Organization(id) => {
                let hint = request.login_hint.as_deref();
                self.first_connection(id, hint).await?
            }
        };
        let (scope, connection, secrets) = self.find_connection(id).await?;
        if !connection.is_enabled() {
            return Err(NO_CONNECTION);
        }
        Ok((scope, connection, secrets))
    }

    async fn first_connection(
        &self,
        organization: OrganizationId,
        hint: Option<&str>,
    ) -> Result<ConnectionId> {
        let store = self.accounts().store();
        let domain = hint
            .and_then(|hint| hint.parse().ok())
            .and_then(|email| DomainName::of(&email));
        if let Some(domain) = domain
            && let Some((owner, Some(connection), _)) = store.home_realm(&domain).await?
            // A domain that another organisation verified says nothing about this one.
            && owner == organization
        {
            return Ok(connection);
        }
        let first = store.first_connection(organization).await?;
        first.ok_or(NO_CONNECTION)
    }
}

/// Returns the host and port of an issuer, which is an `https` URL.
fn authority(issuer: &str) -> &str {
    let (_, rest) = issuer.split_once("://").unwrap_or(("", issuer));
    rest.split('/').next().unwrap_or(rest)
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn check_request(request: &StartSignIn) -> Result<()> {
    let state = request.state.as_deref().unwrap_or_default();
    if state.len() > LONGEST_STATE || !is_printable(state) {
        return Err(Error::field(
            "state",
            "invalid_state",
            "must have at most 256 printable ASCII characters",
        ));
    }
    let hint = request.login_hint.as_deref().unwrap_or_default();
    if hint.len() > LONGEST_HINT || hint.chars().any(char::is_control) {
        return Err(Error::field(
            "login_hint",
            "invalid_login_hint",
            "must be an e-mail address",
        ));
    }
    Ok(())
}
