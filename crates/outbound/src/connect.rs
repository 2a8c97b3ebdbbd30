//! Connections, each to an address that was judged in that moment.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::OutboundError;
use crate::guard::Guard;
use crate::resolver::Resolver;
use crate::url::Url;

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Connector {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) guard: Guard,
    pub(crate) plain_http_hosts: Vec<String>,
    pub(crate) allowed_sockets: Vec<SocketAddr>,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Connector {
    /// Checks that the URL's scheme is allowed for its host.
    pub(crate) fn check_scheme(&self, url: &Url) -> Result<(), OutboundError> {
        let plain = || self.plain_http_hosts.iter().any(|host| host == url.host());
        if url.is_secure() || plain() || self.is_allowed_socket(url) {
            Ok(())
        } else {
            Err(OutboundError::Insecure {
                host: url.host().to_owned(),
            })
        }
    }

    /// Returns whether the URL names, by its address, a socket that is allowed explicitly.
    fn is_allowed_socket(&self, url: &Url) -> bool {
        let socket = url.address().map(|it| SocketAddr::new(it, url.port()));
        socket.is_some_and(|socket| self.allowed_sockets.contains(&socket))
    }

    /// The addresses of the URL's host, all of them allowed.
    ///
    /// One refused address among good ones refuses the host: a public name does not lead into a
    /// private network, not even sometimes.
    pub(crate) async fn addresses(&self, url: &Url) -> Result<Vec<IpAddr>, OutboundError> {
        let addresses = match url.address() {
            Some(address) if self.is_allowed_socket(url) => return Ok(vec![address]),
            Some(address) => vec![address],
            None => self.resolver.addresses(url.host()).await?,
        };
        for address in &addresses {
            self.guard
                .check(*address)
                .map_err(|kind| OutboundError::Blocked {
                    host: url.host().to_owned(),
                    address: *address,
                    kind,
                })?;
        }
        Ok(addresses)
    }

    /// A connection to one of the host's addresses. What was judged is what is connected to: no
    /// name is looked up in between.
    pub(crate) async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, OutboundError> {
        let addresses = self.addresses(url).await?;
        let tcp = dial(url, &addresses).await?;
        if !url.is_secure() {
            return Ok(Box::new(tcp));
        }
        let refused = |detail: String| OutboundError::Tls {
            host: url.host().to_owned(),
            detail,
        };
        let name = url.host().trim_end_matches('.').to_owned();
        let name = ServerName::try_from(name).map_err(|error| refused(error.to_string()))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tcp)
            .await
            .map_err(|error| refused(error.to_string()))?;
        Ok(Box::new(stream))
    }
}

/// The first address that answers. At most three are tried.
async fn dial(url: &Url, addresses: &[IpAddr]) -> Result<TcpStream, OutboundError> {
    let mut detail = "it has no address".to_owned();
    for address in addresses.iter().take(3) {
        match TcpStream::connect(SocketAddr::new(*address, url.port())).await {
            Ok(stream) => {
                // Small requests should not wait for an acknowledgement; it works without, too.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => detail = error.to_string(),
        }
    }
    Err(OutboundError::Connect {
        host: url.host().to_owned(),
        detail,
    })
}
