//! A wire to the database that can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a wire does with what comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Hands it on.
    Whole,
    /// Ends every connection, old and new.
    Cut,
    /// Hands nothing on and ends nothing: a cable that was pulled.
    Silent,
}

/// A forwarder in front of a server, which a test can cut and mend. Ends with this value.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Wire {
    /// A wire to `target`, a host and a port.
    pub async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::new(State::Whole);
        let (target, receiver) = (target.to_owned(), state.subscribe());
        tokio::spawn(async move {
            let mut ended = receiver.clone();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    gone = ended.changed() => match gone {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                };
                let (stream, _) = accepted.unwrap();
                tokio::spawn(forward(stream, target.clone(), receiver.clone()));
            }
        });
        Self { address, state }
    }

    /// Where it begins.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, old and new.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Hands nothing on any more, and tells nobody.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Makes it whole again. What was silenced ends, as a connection does that was forgotten.
    pub fn mend(&self) {
        self.state.send_replace(State::Cut);
        self.state.send_replace(State::Whole);
    }
}

async fn forward(mut here: TcpStream, target: String, mut state: watch::Receiver<State>) {
    if *state.borrow_and_update() == State::Whole {
        let Ok(mut there) = TcpStream::connect(&target).await else {
            return;
        };
        tokio::select! {
            _ = copy_bidirectional(&mut here, &mut there) => return,
            _ = state.changed() => {}
        }
        if *state.borrow_and_update() == State::Silent {
            let _ = state.changed().await;
        }
        drop(there);
    } else if *state.borrow() == State::Silent {
        let _ = state.changed().await;
    }
    drop(here);
}
