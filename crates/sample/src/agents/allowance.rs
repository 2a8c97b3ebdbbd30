//! What a plan allows a month, counted exactly.

use sqlx::{AnyConnection, Row as _};
use vestibule_layer::model::{OrgScope, Timestamp};
use vestibule_layer::{Permit, Problem};

use crate::error::Result;
use crate::month;

/// The limit of a plan that allows this many messages a month.
pub(crate) const MESSAGES_PER_MONTH: &str = "agent_messages_per_month";

/// Counts one message of the caller's organisation, where its plan sets an allowance; refused where
/// that is used up.
pub(super) async fn count_message(
    connection: &mut AnyConnection,
    permit: &Permit,
    now: Timestamp,
) -> Result<()> {
    let Some(limit) = permit.plan().limit(MESSAGES_PER_MONTH) else {
        return Ok(());
    };
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let month = month::of(now);
    if count(connection, permit.scope(), &month, most).await? {
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

/// Counts one message of the organisation in a month such as `2027-01`, unless `limit` are
/// counted already; says whether it was counted.
async fn count(
    connection: &mut AnyConnection,
    scope: OrgScope,
    month: &str,
    limit: i64,
) -> sqlx::Result<bool> {
    if limit <= 0 {
        return Ok(false);
    }
    let counted = sqlx::query(
        "INSERT INTO sample_agent_usage (organization_id, month, messages) VALUES ($1, $2, 1) \
         ON CONFLICT (organization_id, month) DO UPDATE \
         SET messages = sample_agent_usage.messages + 1 WHERE sample_agent_usage.messages < $3 \
         RETURNING messages",
    )
    .bind(scope.organization_id().uuid().to_string())
    .bind(month)
    .bind(limit)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(counted) = counted else {
        return Ok(false);
    };
    if counted.try_get::<i64, _>("messages")? == 1 {
        // The first of a month: nobody asks for those before, but for the last, in which a server
        // may still be whose clock is a little behind.
        let query = "DELETE FROM sample_agent_usage WHERE organization_id = $1 AND month < (\
             SELECT MAX(month) FROM sample_agent_usage WHERE organization_id = $1 AND month < $2)";
        sqlx::query(query)
            .bind(scope.organization_id().uuid().to_string())
            .bind(month)
            .execute(connection)
            .await?;
    }
    Ok(true)
}
