//! The sample's part in a running server.

use std::sync::Arc;
use std::time::Duration;

use vestibule_accounts::{Shutdown, Tasks};
use vestibule_layer::ResourceChanges;
use vestibule_sample::Sample;

/// The time that the start waits for grants to follow what the sample has changed before.
const OUTBOX_PATIENCE: Duration = Duration::from_secs(5);

/// Finishes what the last server has left in the sample's outbox, and spawns the sample's duties.
pub(super) async fn look_after(
    duties: &mut Tasks,
    sample: &Sample,
    changes: Arc<dyn ResourceChanges>,
    checkpoints: Duration,
    duties_end: &Shutdown,
) {
    let (each, end) = (sample.clone(), duties_end.asked());
    duties.spawn("emptying the log of the sample's database", async move {
        each.run_checkpoints(checkpoints, end).await;
    });
    let (each, end) = (sample.clone(), duties_end.asked());
    duties.spawn("watching the sample's database", async move {
        each.watch_file(end).await;
    });
    // Before requests are answered, what the last server could not finish; but a database
    // that does not answer must not keep this one from saying so.
    let finish = sample.finish_outbox(&*changes);
    if tokio::time::timeout(OUTBOX_PATIENCE, finish).await.is_err() {
        tracing::warn!("the sample's outbox is finished later");
    }
    let (each, end) = (sample.clone(), duties_end.asked());
    duties.spawn("letting grants follow the sample", async move {
        each.run_outbox(changes, end).await;
    });
}
