//! The tasks that run as long as the server does, and are missed when one of them does not.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

/// Tasks of which none may end before it is asked to.
#[derive(Debug, Default)]
pub(crate) struct Tasks(JoinSet<&'static str>);

impl Tasks {
    /// Starts one; `name` says what is done no more once it has ended.
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.spawn(async move {
            // The panic hook has said why.
            let _: Result<(), _> = AssertUnwindSafe(task).catch_unwind().await;
            name
        });
    }

    /// Ready once one of them has ended, with its name.
    pub(crate) async fn one_ended(&mut self) -> &'static str {
        match self.0.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a task",
            None => std::future::pending().await,
        }
    }

    /// Ready once all have ended.
    pub(crate) async fn all_ended(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}
