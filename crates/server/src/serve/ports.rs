//! Ports, taken before anything else is touched.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::failure::Failure;

/// Connections that may wait to be accepted. A burst beyond it is dropped by the system, and each
/// client tries again after a whole second; the usual 128 are too few for a few hundred at once.
const WAITING_CONNECTIONS: u32 = 4_096;

/// Listens on an address. `key` names the setting or flag to change in the error.
pub async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    listener_on(address).map_err(|error| {
        Failure::failed(format!("Cannot listen on {address}: {error}.")).hint(format!(
            "Choose another address with {key}; port 0 takes any free port."
        ))
    })
}

fn listener_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // As for any server that is started again: the last one's connections do not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_CONNECTIONS)
}

pub(super) fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(Failure::from_error)
}
