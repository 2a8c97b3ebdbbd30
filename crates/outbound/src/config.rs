//! What the operator decides about requests to others.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use vestibule_model::Network;

/// The operator's choices. The default is the strictest.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Networks beyond the public internet that may be connected to.
    pub allowed_networks: Vec<Network>,
    /// Hosts that may be called by `http` as well, by name or address, in lower case. Their
    /// addresses still have to be allowed.
    pub plain_http_hosts: Vec<String>,
    /// Single ports of single addresses that may be connected to, by `http` as well, where a URL
    /// names them by address: a provider for development on this machine, and nothing beside it.
    pub allowed_sockets: Vec<SocketAddr>,
    /// Certificates of authorities that are trusted beside the public ones, in DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// The caps.
    pub limits: Limits,
}

impl Config {
    /// Adds the certificates of a PEM text to [`extra_roots`](Self::extra_roots); how many they
    /// were.
    pub fn trust_pem(&mut self, pem: &[u8]) -> Result<usize, OutboundConfigError> {
        let before = self.extra_roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| OutboundConfigError::Pem {
                detail: error.to_string(),
            })?;
            self.extra_roots.push(certificate.to_vec());
        }
        match self.extra_roots.len() - before {
            0 => Err(OutboundConfigError::Pem {
                detail: "it holds no certificate".to_owned(),
            }),
            added => Ok(added),
        }
    }

    /// The same, and this machine's own loopback may be called by `http`: for development.
    #[must_use]
    pub fn allow_loopback(mut self) -> Self {
        for network in ["127.0.0.0/8", "::1/128"] {
            self.allowed_networks.extend(network.parse::<Network>());
        }
        for host in ["localhost", "127.0.0.1", "::1"] {
            self.plain_http_hosts.push(host.to_owned());
        }
        self
    }
}

/// The caps of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of an answer, in bytes.
    pub body: usize,
    /// The largest head of an answer, in bytes; 8192 at least.
    pub head: usize,
    /// The longest that a request may take, from its beginning to the last byte of its answer,
    /// including the wait for its turn.
    pub total: Duration,
    /// The longest that connecting may take, TLS included.
    pub connect: Duration,
    /// The most requests that may be in flight at once.
    pub concurrent: usize,
    /// The most requests of one key (an organisation) that may be in flight at once.
    pub concurrent_per_key: usize,
    /// The most requests of one key that may wait for their turn. Beyond them the answer is
    /// [`Busy`](crate::OutboundError::Busy).
    pub waiting_per_key: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1_048_576,
            head: 32 * 1_024,
            total: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            concurrent: 128,
            concurrent_per_key: 8,
            waiting_per_key: 64,
        }
    }
}

/// The reasons why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundConfigError {
    /// The text is not certificates in PEM.
    #[error("not certificates in PEM: {detail}")]
    Pem {
        /// The defect.
        detail: String,
    },
    /// A certificate cannot serve as a root.
    #[error("not a certificate that can be trusted as a root: {detail}")]
    Root {
        /// The defect.
        detail: String,
    },
    /// The cryptographic library refuses the TLS versions.
    #[error("TLS cannot be set up: {detail}")]
    Tls {
        /// The defect.
        detail: String,
    },
}
