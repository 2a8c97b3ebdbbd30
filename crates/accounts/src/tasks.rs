//! The tasks that run as long as a process does, the signal that ends them, and the notice when one
//! of them ends by itself.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The signal that ends the tasks of a process in an orderly way.
#[derive(Debug)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Returns a signal that nobody has given yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Gives the signal.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits for the signal.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // The sender is gone where nobody can give the signal any more: that is the end, too.
            let _ = receiver.wait_for(|asked| *asked).await;
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// Tasks of which none may end before it is asked to. Dropping them ends them where they stand.
#[derive(Debug, Default)]
pub struct Tasks(JoinSet<&'static str>);

impl Tasks {
    /// Spawns a task; `name` says what is no longer done once it has ended.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            // The panic hook has said why.
            let _: Result<(), _> = AssertUnwindSafe(task).catch_unwind().await;
            name
        });
    }

    /// Waits until a task has ended, and returns its name.
    pub async fn one_ended(&mut self) -> &'static str {
        match self.0.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a task",
            None => std::future::pending().await,
        }
    }

    /// Waits until all have ended.
    pub async fn all_ended(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}
