//! TLS towards others.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::config::OutboundConfigError;

/// Public roots as Mozilla keeps them, which come with the program and so are there in the
/// smallest container; and the operator's own.
pub(crate) fn client(extra_roots: &[Vec<u8>]) -> Result<Arc<ClientConfig>, OutboundConfigError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in extra_roots {
        let root = CertificateDer::from(root.as_slice());
        roots.add(root).map_err(|error| OutboundConfigError::Root {
            detail: error.to_string(),
        })?;
    }
    // Named here, so that nothing depends on what the process installed as its default.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OutboundConfigError::Tls {
            detail: error.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
