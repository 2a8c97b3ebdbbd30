//! Where callers reach the server.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An origin: scheme, host and port, as a browser spells it (RFC 6454, 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL of what listens on `address`.
    pub fn of(address: SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }

    /// The origin's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether browsers reach it encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            "must be scheme, host and, if need be, port, such as https://auth.example.com: no \
             path, no query, no user"
                .to_owned()
        };
        let url: http::Uri = text.parse().map_err(|_| refused())?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(refused());
        };
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if !bare || authority.as_str().contains('@') || text.contains('#') {
            return Err(refused());
        }
        let host = authority.host().to_ascii_lowercase();
        let local = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let default_port = match scheme {
            "https" => 443,
            "http" if local => 80,
            "http" => {
                return Err(
                    "must begin with https: browsers keep no session over http, and secrets \
                     would travel in the clear (only localhost may be http)"
                        .to_owned(),
                );
            }
            _ => return Err(refused()),
        };
        Ok(Self(match authority.port_u16() {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }))
    }
}
