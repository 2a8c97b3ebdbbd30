//! The rows of conversations with agents. Every query takes the organisation and the user: a
//! conversation is its user's own.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;
use vestibule_layer::model::{OrgScope, Timestamp, UserId};

use crate::id::uuid;

/// The user whose conversations a query may see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) scope: OrgScope,
    pub(crate) user: UserId,
}

impl Owner {
    fn organization(self) -> String {
        self.scope.organization_id().uuid().to_string()
    }

    fn user(self) -> String {
        self.user.uuid().to_string()
    }
}

/// A conversation.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    /// The work that its newest message started; nothing before the first.
    pub(crate) run: Option<Uuid>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

fn conversation(row: &AnyRow) -> sqlx::Result<Conversation> {
    let run: Option<String> = row.try_get("run_id")?;
    Ok(Conversation {
        id: uuid(&row.try_get::<String, _>("id")?)?,
        title: row.try_get("title")?,
        run: run.as_deref().map(uuid).transpose()?,
        created_at: Timestamp::from_micros(row.try_get("created_at")?),
        updated_at: Timestamp::from_micros(row.try_get("updated_at")?),
    })
}

/// One thing that happened in a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    /// JSON text.
    pub(crate) payload: String,
    pub(crate) occurred_at: Timestamp,
}

/// The number of conversations of one user that are kept in an organisation: the last used.
pub(crate) const KEPT_CONVERSATIONS: i64 = 1_000;

/// The number of events of one conversation that are kept: the newest.
pub(crate) const KEPT_EVENTS: i64 = 10_000;

/// Counts the conversations.
pub(crate) async fn count(connection: &mut AnyConnection, owner: Owner) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM sample_agent_session WHERE organization_id = $1 AND user_id = $2",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .fetch_one(connection)
    .await
}

/// The newest conversations, the last used first.
pub(crate) async fn newest(
    connection: &mut AnyConnection,
    owner: Owner,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Conversation>> {
    let rows = sqlx::query(
        "SELECT id, title, run_id, created_at, updated_at FROM sample_agent_session \
         WHERE organization_id = $1 AND user_id = $2 ORDER BY updated_at DESC, id DESC \
         LIMIT $3 OFFSET $4",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await?;
    rows.iter().map(conversation).collect()
}

/// The conversation with this id.
pub(crate) async fn find(
    connection: &mut AnyConnection,
    owner: Owner,
    id: Uuid,
) -> sqlx::Result<Option<Conversation>> {
    let row = sqlx::query(
        "SELECT id, title, run_id, created_at, updated_at FROM sample_agent_session \
         WHERE organization_id = $1 AND user_id = $2 AND id = $3",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(conversation).transpose()
}

/// A new conversation, without events.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    owner: Owner,
    new: &Conversation,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sample_agent_session (id, organization_id, user_id, title, run_id, \
         cancelled, last_event, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7)",
    )
    .bind(new.id.to_string())
    .bind(owner.organization())
    .bind(owner.user())
    .bind(new.title.as_str())
    .bind(new.run.map(|run| run.to_string()))
    .bind(new.created_at.as_micros())
    .bind(new.updated_at.as_micros())
    .execute(&mut *connection)
    .await?;
    // Nobody else would ever delete them. More than one at a time where there are too many from
    // before.
    sqlx::query(
        "DELETE FROM sample_agent_session WHERE id IN (SELECT id FROM sample_agent_session \
         WHERE organization_id = $1 AND user_id = $2 ORDER BY updated_at DESC, id DESC \
         LIMIT 100 OFFSET $3)",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .bind(KEPT_CONVERSATIONS)
    .execute(connection)
    .await?;
    Ok(())
}

/// Starts new work in a conversation, and with it takes the numbers of its next `events`. Gives
/// the first of them, or nothing where there is no such conversation. Its row stays locked until
/// the transaction ends.
pub(crate) async fn advance(
    connection: &mut AnyConnection,
    owner: Owner,
    id: Uuid,
    run: Uuid,
    events: i64,
    at: Timestamp,
) -> sqlx::Result<Option<i64>> {
    let row = sqlx::query(
        "UPDATE sample_agent_session SET run_id = $4, cancelled = 0, \
         last_event = last_event + $5, updated_at = $6 \
         WHERE organization_id = $1 AND user_id = $2 AND id = $3 RETURNING last_event",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .bind(id.to_string())
    .bind(run.to_string())
    .bind(events)
    .bind(at.as_micros())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(row.try_get::<i64, _>("last_event")? - events + 1))
        .transpose()
}

/// Adds an event under a number that [`advance`] gave.
pub(crate) async fn record(
    connection: &mut AnyConnection,
    conversation: Uuid,
    number: i64,
    event: &Event,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sample_agent_event (session_id, number, id, kind, payload, occurred_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(conversation.to_string())
    .bind(number)
    .bind(event.id.to_string())
    .bind(event.kind.as_str())
    .bind(event.payload.as_str())
    .bind(event.occurred_at.as_micros())
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM sample_agent_event WHERE session_id = $1 AND number <= $2")
        .bind(conversation.to_string())
        .bind(number - KEPT_EVENTS)
        .execute(connection)
        .await?;
    Ok(())
}

/// The number of an event of a conversation that was [`find`]ed to be the caller's.
pub(crate) async fn number_of(
    connection: &mut AnyConnection,
    conversation: Uuid,
    event: Uuid,
) -> sqlx::Result<Option<i64>> {
    let row =
        sqlx::query("SELECT number FROM sample_agent_event WHERE session_id = $1 AND id = $2")
            .bind(conversation.to_string())
            .bind(event.to_string())
            .fetch_optional(connection)
            .await?;
    row.map(|row| row.try_get("number")).transpose()
}

/// The events of such a conversation after a number, the oldest first.
pub(crate) async fn events_after(
    connection: &mut AnyConnection,
    conversation: Uuid,
    number: i64,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query(
        "SELECT id, kind, payload, occurred_at FROM sample_agent_event \
         WHERE session_id = $1 AND number > $2 ORDER BY number LIMIT $3",
    )
    .bind(conversation.to_string())
    .bind(number)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Event {
                id: uuid(&row.try_get::<String, _>("id")?)?,
                kind: row.try_get("kind")?,
                payload: row.try_get("payload")?,
                occurred_at: Timestamp::from_micros(row.try_get("occurred_at")?),
            })
        })
        .collect()
}

/// Ends the work of a conversation; says whether there was any that had not been ended.
pub(crate) async fn cancel(
    connection: &mut AnyConnection,
    owner: Owner,
    id: Uuid,
) -> sqlx::Result<bool> {
    let cancelled = sqlx::query(
        "UPDATE sample_agent_session SET cancelled = 1 WHERE organization_id = $1 \
         AND user_id = $2 AND id = $3 AND run_id IS NOT NULL AND cancelled = 0",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(cancelled.rows_affected() == 1)
}

/// Removes a conversation with its events; says whether there was one.
pub(crate) async fn delete(
    connection: &mut AnyConnection,
    owner: Owner,
    id: Uuid,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query(
        "DELETE FROM sample_agent_session WHERE organization_id = $1 AND user_id = $2 AND id = $3",
    )
    .bind(owner.organization())
    .bind(owner.user())
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() == 1)
}
