//! Origins of web applications, in the one spelling that browsers send.

mod host;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The origin of a web application: scheme, host and, where it is not the scheme's own, port
/// (RFC 6454, 6.1).
///
/// There is exactly one spelling, the one that browsers write into the header `Origin`: scheme and
/// host in lower case, a DNS name in its `xn--` form and without a final dot, an IPv4 address as
/// four decimal numbers, an IPv6 address as RFC 5952 has it. [`FromStr`] refuses every other
/// spelling and names this one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin(String);

/// An error of a text that is not an origin, or not spelled as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Neither `https` nor `http`.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// A user name or a password before the host.
    #[error("must have no user and no password")]
    UserInfo,
    /// A host that no browser could reach, or letters outside ASCII.
    #[error(
        "must name a host: a DNS name of letters, digits and hyphens, such as auth.example.com \
         (other letters in their xn-- form), an IPv4 address, or an IPv6 address in brackets"
    )]
    Host,
    /// A port outside of 1 to 65535, or no number.
    #[error("must have a port from 1 to 65535, or none")]
    Port,
    /// Something after the origin, which is this.
    #[error("must have no path, no query and no fragment: write \"{0}\"")]
    Longer(WebOrigin),
    /// Another spelling of this origin.
    #[error("must be spelled as browsers send it: write \"{0}\"")]
    Spelling(WebOrigin),
}

/// A URL cut behind its origin.
pub(crate) struct Cut<'a> {
    /// The origin.
    pub(crate) origin: WebOrigin,
    /// The host as it was written.
    pub(crate) host: &'a str,
    /// Scheme, host and port as they were written.
    pub(crate) written: &'a str,
    /// Path, query and fragment.
    pub(crate) rest: &'a str,
}

impl WebOrigin {
    /// The origin of an application that listens on `address` without TLS.
    pub fn of_listener(address: SocketAddr) -> Self {
        Self::build(false, &host::of_address(address.ip()), address.port())
    }

    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true for `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The host; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        let (_, authority) = self.0.split_once("://").unwrap_or_default();
        match authority.find(']') {
            Some(bracket) => authority.get(..=bracket).unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        }
    }

    /// Returns true if the host is `localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse().is_ok_and(|it: IpAddr| it.is_loopback())
    }

    /// Cuts a URL behind its origin, however the origin is spelled.
    pub(crate) fn cut(text: &str) -> Result<Cut<'_>, OriginError> {
        let (scheme, after) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(OriginError::Scheme),
        };
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        if authority.contains('@') {
            return Err(OriginError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let canonical = host::canonical(host).ok_or(OriginError::Host)?;
        let port = match port {
            // Browsers drop the colon of an empty port.
            None | Some("") => default_port(https),
            Some(digits) => read_port(digits).ok_or(OriginError::Port)?,
        };
        let (written, _) = text.split_at(text.len() - rest.len());
        Ok(Cut {
            origin: Self::build(https, &canonical, port),
            host,
            written,
            rest,
        })
    }

    fn build(https: bool, host: &str, port: u16) -> Self {
        let scheme = if https { "https" } else { "http" };
        Self(if port == default_port(https) {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        })
    }
}

const fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

fn read_port(digits: &str) -> Option<u16> {
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    let port = digits.trim_start_matches('0').parse().ok()?;
    is_number.then_some(port)
}

/// Splits host and port. An IPv6 address has colons of its own, and some write it without brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), OriginError> {
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Ok((authority, None));
    }
    let Some(bracket) = authority.find(']') else {
        return Ok(match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        });
    };
    let (host, tail) = authority.split_at(bracket + 1);
    match tail.strip_prefix(':') {
        _ if tail.is_empty() => Ok((host, None)),
        Some(port) => Ok((host, Some(port))),
        None => Err(OriginError::Host),
    }
}

impl FromStr for WebOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let Cut {
            origin,
            written,
            rest,
            ..
        } = Self::cut(text.trim())?;
        if !rest.is_empty() {
            Err(OriginError::Longer(origin))
        } else if written != origin.0 || text != written {
            Err(OriginError::Spelling(origin))
        } else {
            Ok(origin)
        }
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests;
