//! What a message leaves in the transcript.

use serde_json::json;
use uuid::Uuid;

use crate::Sample;
use crate::conversation::{self, Event, Owner};
use crate::error::Result;

/// Records a message, and that nothing came of it. False where there is no such conversation.
pub(super) async fn say(
    sample: &Sample,
    connection: &mut sqlx::AnyConnection,
    owner: Owner,
    conversation: Uuid,
    run: Uuid,
    text: &str,
) -> Result<bool> {
    let now = sample.clock.now();
    let happened = [
        ("user_message", json!({ "text": text })),
        ("status_idle", json!({})),
    ];
    let Some(first) = conversation::advance(connection, owner, conversation, run, 2, now).await?
    else {
        return Ok(false);
    };
    for (number, (kind, payload)) in (first..).zip(happened) {
        let event = Event {
            id: sample.mint(),
            kind: kind.to_owned(),
            payload: payload.to_string(),
            occurred_at: now,
        };
        conversation::record(connection, conversation, number, &event).await?;
    }
    Ok(true)
}
