//! The first half of a sign-in: where to send the browser.

use vestibule_accounts::{Error, RequestSource, Result};
use vestibule_model::{
    ConnectionId, DomainName, OrgScope, Organization, OrganizationId, SsoConnection, UserId,
};
use vestibule_store::ConnectionSecrets;

use super::purpose::Purpose;
use super::redirect::{Browser, Initiated};
use super::return_to::ReturnTo;
use crate::{NO_CONNECTION, Sso, Which};

const LONGEST_STATE: usize = 256;
const LONGEST_HINT: usize = 320;

/// Whose provider is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The organisation's: the connection of the hint's domain, or the first that is enabled.
    Organization(OrganizationId),
    /// That of a connection.
    Connection(ConnectionId),
}

/// What a sign-in is to be.
#[derive(Debug, Clone)]
pub struct Initiate {
    /// Whose provider is to be asked.
    pub target: Target,
    /// How the browser goes on when it comes back.
    pub return_to: ReturnTo,
    /// What the application wants back with the answer: at most 256 printable characters.
    pub state: Option<String>,
    /// Who probably wants to sign in: an e-mail address.
    pub login_hint: Option<String>,
    /// The value of the binding cookie that the browser has already.
    pub binding: Option<String>,
    /// Who is signed in in the browser, and has said on our page that this sign-in may take the
    /// place of that one.
    pub replaces: Option<UserId>,
    /// Where the call comes from.
    pub origin: RequestSource,
}

/// Where a sign-in would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The organisation that one would be signed in to.
    pub organization: Organization,
    /// Its connection.
    pub connection: ConnectionId,
    /// Where the provider is: the host of its issuer, with a port where it has one.
    pub provider: String,
}

impl Sso {
    /// Begins a sign-in in a browser.
    pub async fn initiate(&self, request: Initiate) -> Result<Initiated> {
        self.count(request.origin.address)?;
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
        self.begin(&connection, &secrets, Which::Live, purpose, browser)
            .await
    }

    /// Whose provider such a sign-in goes to. Refuses what [`initiate`](Self::initiate) would
    /// refuse.
    pub async fn ahead(&self, request: &Initiate) -> Result<Ahead> {
        self.count(request.origin.address)?;
        let (scope, connection, _) = self.target(request).await?;
        check_request(request)?;
        self.check_return(scope, &request.return_to).await?;
        let store = self.accounts().store();
        let organization = store.organization(connection.organization_id).await?;
        Ok(Ahead {
            organization: organization.ok_or(NO_CONNECTION)?,
            connection: connection.id,
            provider: authority(&connection.live.issuer).to_owned(),
        })
    }

    /// Where to send a browser that is not the caller, so that the sign-in begins there and is
    /// bound to it: a URL of this server, whose route calls [`initiate`](Self::initiate) with the
    /// same values. Refuses what that would refuse.
    pub async fn start_url(&self, request: &Initiate) -> Result<String> {
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
        if matches!(request.target, Target::Connection(_)) {
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

    /// The enabled connection that is meant. Whatever stands against it, the answer is the same.
    async fn target(
        &self,
        request: &Initiate,
    ) -> Result<(OrgScope, SsoConnection, ConnectionSecrets)> {
        let id = match request.target {
            Target::Connection(id) => id,
            Target::Organization(id) => {
                let hint = request.login_hint.as_deref();
                self.first_connection(id, hint).await?
            }
        };
        let (scope, connection, secrets) = self.named(id).await?;
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
            && owner == organization
        {
            return Ok(connection);
        }
        let first = store.first_connection(organization).await?;
        first.ok_or(NO_CONNECTION)
    }
}

/// Host and port of an issuer, which is an `https` URL.
fn authority(issuer: &str) -> &str {
    let (_, rest) = issuer.split_once("://").unwrap_or(("", issuer));
    rest.split('/').next().unwrap_or(rest)
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn check_request(request: &Initiate) -> Result<()> {
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
