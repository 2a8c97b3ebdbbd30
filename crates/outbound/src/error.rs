//! Why nothing, or nothing usable, came back.

use std::net::IpAddr;

use crate::guard::AddressKind;

/// The reasons why a name could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist, or has no record of this type.
    #[error("the name {name} has no such record")]
    NotFound {
        /// The name that was asked for.
        name: String,
    },
    /// No name server answered, or none that could tell.
    #[error("the name {name} could not be looked up: {detail}")]
    Unavailable {
        /// The name that was asked for.
        name: String,
        /// The resolver's message.
        detail: String,
    },
}

/// The reasons why a request failed.
///
/// The sentences are shown to administrators of an organisation, who chose the URL. They tell
/// what their own address lookup would; nothing of what a refused address answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL is `http`, and the operator does not allow that for its host.
    #[error("{host} must be called with https")]
    Insecure {
        /// The host of the URL.
        host: String,
    },
    /// The host's name could not be resolved.
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// The host resolves to an address that is not on the public internet, and that the operator
    /// does not allow.
    #[error("{host} resolves to {address}, which is a {kind} address and not allowed here")]
    Blocked {
        /// The host of the URL.
        host: String,
        /// The address that was refused.
        address: IpAddr,
        /// The reason for the refusal.
        kind: AddressKind,
    },
    /// Nothing accepts connections there.
    #[error("cannot connect to {host}: {detail}")]
    Connect {
        /// The host of the URL.
        host: String,
        /// The operating system's error.
        detail: String,
    },
    /// No TLS connection that proves the host.
    #[error("no trustworthy TLS connection to {host}: {detail}")]
    Tls {
        /// The host of the URL.
        host: String,
        /// The defect in its certificate or its protocol.
        detail: String,
    },
    /// Connecting, or the whole, took too long.
    #[error("no answer within {seconds} s")]
    Timeout {
        /// The limit that ran out, in whole seconds, rounded up.
        seconds: u64,
    },
    /// The answer's head or body exceeds its cap.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// The answer sends us elsewhere, where we do not go.
    #[error("the answer is a redirect ({status}), which is not followed")]
    Redirect {
        /// The status of the answer.
        status: u16,
    },
    /// The answer is not a success.
    #[error("the answer has status {status}")]
    Status {
        /// The status of the answer.
        status: u16,
    },
    /// The answer is not HTTP as we speak it: broken, cut short, or compressed.
    #[error("the answer is not usable HTTP: {detail}")]
    Protocol {
        /// The defect.
        detail: String,
    },
    /// Too many requests of this organisation are under way.
    #[error("too many requests to other servers are under way; try again shortly")]
    Busy,
}

impl OutboundError {
    /// Stable, `snake_case` cause for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Insecure { .. } => "insecure",
            Self::Dns(DnsError::NotFound { .. }) => "name_not_found",
            Self::Dns(DnsError::Unavailable { .. }) => "name_server_unavailable",
            Self::Blocked { .. } => "address_blocked",
            Self::Connect { .. } => "connect_failed",
            Self::Tls { .. } => "tls_failed",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Redirect { .. } => "redirect",
            Self::Status { .. } => "status",
            Self::Protocol { .. } => "protocol",
            Self::Busy => "busy",
        }
    }
}
