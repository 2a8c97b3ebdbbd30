//! How somebody signs in, by the domain of an address alone.

use std::net::IpAddr;

use vestibule_accounts::Result;
use vestibule_model::{ConnectionId, DomainName, Email, OrganizationId};

use crate::Sso;

/// How somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMethod {
    /// By password alone.
    Password,
    /// Through the identity provider alone.
    Sso,
    /// Either way.
    Both,
}

impl SignInMethod {
    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Sso => "sso",
            Self::Both => "both",
        }
    }
}

/// How the people of a domain sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discovery {
    /// How.
    pub method: SignInMethod,
    /// By which connection, where there is one.
    pub connection: Option<(OrganizationId, ConnectionId)>,
}

impl Sso {
    /// How somebody with this address signs in. Whether anybody has the address is not looked at:
    /// the domain decides, and an unknown one is answered as one without a provider.
    pub async fn discover(&self, email: &Email, address: Option<IpAddr>) -> Result<Discovery> {
        self.count(address)?;
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
