//! The end: asked for once, it is orderly; asked for twice, it is at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Code;

/// Tells all who wait that the server is to end.
#[derive(Debug)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Nobody has asked for the end yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Asks for the end.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Ready once the end is asked for.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            let _ = receiver.wait_for(|asked| *asked).await;
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// Ready at the first SIGTERM or SIGINT; the second ends the process where it stands.
///
/// # Errors
/// When the system lets us wait for no signal.
pub fn signals() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending: requests in flight are answered first");
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(Code::Cancelled as i32);
        });
    })
}
