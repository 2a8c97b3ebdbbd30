//! Where callers reach the server.

use std::net::SocketAddr;
use std::str::FromStr;

use vestibule_model::{OriginError, WebOrigin};

/// The server's own origin: scheme, host and port, as a browser spells it (RFC 6454, 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(WebOrigin);

impl PublicUrl {
    /// The URL of what listens on `address`.
    pub fn of(address: SocketAddr) -> Self {
        Self(WebOrigin::of_listener(address))
    }

    /// The origin's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The origin.
    pub const fn origin(&self) -> &WebOrigin {
        &self.0
    }

    /// Returns true if browsers reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.0.is_https()
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A slash at the end is no other spelling of the origin, but the path of its first page.
        let origin = text.strip_suffix('/').unwrap_or(text).parse::<WebOrigin>();
        let meant = match &origin {
            Ok(origin) | Err(OriginError::Spelling(origin) | OriginError::Longer(origin)) => {
                Some(origin)
            }
            Err(_) => None,
        };
        if meant.is_some_and(|origin| !origin.is_https() && !origin.is_loopback()) {
            return Err(
                "must begin with https: browsers keep no session over http, and secrets would \
                 travel in the clear (only localhost may be http)"
                    .to_owned(),
            );
        }
        match origin {
            Ok(origin) => Ok(Self(origin)),
            Err(error @ (OriginError::Spelling(_) | OriginError::Longer(_))) => {
                Err(error.to_string())
            }
            Err(error) => Err(format!(
                "{error}; it is scheme, host and, if need be, port, such as \
                 https://auth.example.com"
            )),
        }
    }
}
