//! Home-realm discovery: the sign-in method of an e-mail domain.

use std::net::IpAddr;

use vestibule_accounts::Result;
use vestibule_model::{ConnectionId, DomainName, Email, OrganizationId};

use crate::Sso;

/// The ways to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMethod {
    /// Only by password.
    Password,
    /// Only through the identity provider.
    Sso,
    /// Either by password or through the provider.
    Both,
}

impl SignInMethod {
    /// Returns the spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Sso => "sso",
            Self::Both => "both",
        }
    }
}

/// The sign-in method of an e-mail domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discovery {
    /// The method.
    pub method: SignInMethod,
    /// The organisation and its connection, if the domain has one.
    pub connection: Option<(OrganizationId, ConnectionId)>,
}

impl Sso {
    /// Returns the sign-in method for an e-mail address. Only its domain is looked up, so that the
    /// answer does not reveal if an account exists; an unknown domain gets the answer of a domain
    /// without a provider.
    pub async fn discover(&self, email: &Email, address: Option<IpAddr>) -> Result<Discovery> {
        self.count(address)?;
        // No user is looked up: the answer must not depend on who has an account.
        let found = match DomainName::of(email) {
            Some(domain) => self.accounts().store().home_realm(&domain).await?,
            None => None,
        };
        Ok(match found {
            Some((organization, Some(connection), enforced)) => Discovery {
                method: if enforced {
                    SignInMethod::Sso
                } else {
                    SignInMethod::Both
                },
                connection: Some((organization, connection)),
            },
            Some((_, None, _)) | None => Discovery {
                method: SignInMethod::Password,
                connection: None,
            },
        })
    }
}
