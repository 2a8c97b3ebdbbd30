//! The end: asked for once, it is orderly; asked for twice, it is at once.

use std::sync::Arc;

use rustix::process::Signal as ProcessSignal;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use vestibule_accounts::Shutdown;

use crate::failure::{Code, Failure};

/// The signals that end a process by default and are sent to a server. They have their meaning from
/// before it does anything, so that none cuts off a migration.
#[derive(Debug)]
pub struct Signals {
    end: Arc<Shutdown>,
    /// Those that change nothing, until they are logged.
    idle: Vec<(&'static str, Signal)>,
}

impl Signals {
    /// Handles signals from now on. The first SIGTERM, SIGINT or SIGQUIT asks for the end, the
    /// second ends the process where it stands.
    ///
    /// # Errors
    /// When the system lets us wait for no signal.
    pub fn install() -> Result<Self, Failure> {
        Self::handlers().map_err(Failure::from_error)
    }

    fn handlers() -> std::io::Result<Self> {
        let mut asks = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::quit())?,
        ];
        let idle = vec![
            ("SIGHUP", signal(SignalKind::hangup())?),
            ("SIGUSR1", signal(SignalKind::user_defined1())?),
            ("SIGUSR2", signal(SignalKind::user_defined2())?),
        ];
        // A file that may not grow is an error of whoever writes it, as on a full disk, and not the
        // end of the process. Not logged: the log may be that file.
        drop(signal(SignalKind::from_raw(ProcessSignal::XFSZ.as_raw()))?);
        let end = Arc::new(Shutdown::new());
        let begin = Arc::clone(&end);
        tokio::spawn(async move {
            one_of(&mut asks).await;
            tracing::info!("ending: requests in flight are answered first");
            begin.begin();
            one_of(&mut asks).await;
            std::process::exit(Code::Cancelled as i32);
        });
        Ok(Self { end, idle })
    }

    /// Logs the signals that change nothing, also those that came before there was a log.
    pub fn log(&mut self) {
        for (name, mut signal) in self.idle.drain(..) {
            tokio::spawn(async move {
                while signal.recv().await.is_some() {
                    tracing::warn!(signal = name, "this signal changes nothing here");
                }
            });
        }
    }

    /// Ready once the end is asked for.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.end.asked()
    }
}

/// Ready at the first of these signals.
async fn one_of(signals: &mut [Signal; 3]) {
    let [first, second, third] = signals;
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
        _ = third.recv() => {}
    }
}
