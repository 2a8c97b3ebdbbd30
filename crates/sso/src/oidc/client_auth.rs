//! How we prove ourselves to a provider (OpenID Connect Core, 9).

use crate::oidc::client_key::ClientKey;
use crate::secret::PlainClientSecret;

/// A client's authentication at the token endpoint.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// A secret, sent as the provider's discovery document prefers.
    Secret(PlainClientSecret),
    /// A secret in the `Authorization` header (`client_secret_basic`).
    Basic(PlainClientSecret),
    /// A secret in the form (`client_secret_post`).
    Post(PlainClientSecret),
    /// A signature by a key that is this connection's alone (`private_key_jwt`).
    PrivateKeyJwt(ClientKey),
}

/// The method that is used in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Basic,
    Post,
    PrivateKeyJwt,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl ClientAuth {
    /// The method, given those that the provider offers (none named means `client_secret_basic`,
    /// OpenID Connect Discovery, 3).
    pub(crate) fn method(&self, offered: &[String]) -> Method {
        let offers = |method: Method| offered.iter().any(|other| other == method.as_str());
        match self {
            Self::Secret(_) if offers(Method::Post) && !offers(Method::Basic) => Method::Post,
            Self::Secret(_) | Self::Basic(_) => Method::Basic,
            Self::Post(_) => Method::Post,
            Self::PrivateKeyJwt(_) => Method::PrivateKeyJwt,
        }
    }
}
