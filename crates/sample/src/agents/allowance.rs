//! What a plan allows a month, counted exactly.

use vestibule_layer::model::Timestamp;
use vestibule_layer::{Permit, Problem};

use crate::error::Result;
use crate::{conversation, month};

/// What a plan calls its allowance of messages a month.
const MESSAGES_PER_MONTH: &str = "agent_messages_per_month";

/// Counts one message of the caller's organisation, where its plan sets an allowance; refused where
/// that is used up.
pub(super) async fn count_message(
    connection: &mut sqlx::AnyConnection,
    permit: &Permit,
    now: Timestamp,
) -> Result<()> {
    let Some(limit) = permit.plan().limit(MESSAGES_PER_MONTH) else {
        return Ok(());
    };
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let month = month::of(now);
    if conversation::count_message(connection, permit.scope(), &month, most).await? {
        return Ok(());
    }
    let left = month::left(now);
    let detail =
        format!("The organisation has sent the {limit} messages that its plan allows a month.");
    Err(Problem::quota_exceeded(detail, left)
        .used_up(MESSAGES_PER_MONTH, limit, month::length(now), left)
        .hint("Wait for the next month (UTC), or ask an owner to move to another plan.")
        .into())
}
