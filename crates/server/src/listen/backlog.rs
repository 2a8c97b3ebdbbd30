//! The end of a listener, at which no connection is lost that its client believes to have.
//!
//! The system completes handshakes by itself and queues the connections. It resets those that are
//! in the queue when a listener is closed, though their clients may have sent a request already.

use std::io;

use tokio::net::TcpListener;

/// Lets the system complete no handshake of a listener that has not begun yet. A client whose
/// first packet is dropped repeats it after a second, and is refused then.
#[cfg(target_os = "linux")]
pub(super) fn stop_handshakes(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // Classic BPF (`linux/bpf_common.h`) over the packet, which begins with the TCP header here.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    /// The offset of the flags in a TCP header (RFC 9293, section 3.1).
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

/// Does nothing: other systems have no such filter, and reset the few connections that are
/// completed between the last look at the queue and its end.
#[cfg(not(target_os = "linux"))]
pub(super) fn stop_handshakes(_: &TcpListener) -> io::Result<()> {
    Ok(())
}
