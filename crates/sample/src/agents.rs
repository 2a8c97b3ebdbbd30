//! `/api/managed-agents`: conversations with agents, each its user's own. Nothing runs behind them:
//! messages are recorded, and the status is idle again at once.
//!
//! The plan's feature `agents` is asked where something is started, a conversation or a message.
//! Looking, cancelling and deleting stay free, so that an organisation that gave the plan up can
//! still see and remove what is its own.

mod allowance;
mod bodies;
mod recording;

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::State;
use utoipa_axum::routes;
use uuid::Uuid;
use vestibule_layer::model::Role;
use vestibule_layer::{FieldError, Json, LimitPer, LimitSpec, Permit, Problem, Query, Rule};

pub(crate) use allowance::MESSAGES_PER_MONTH;
use bodies::{
    AgentSessionItem, AgentSessionList, AgentSessionQuery, AgentSessionRef, AgentSessionStarted,
    Done, NewAgentMessage, NewAgentSession, Transcript, TranscriptEvent, TranscriptQuery,
};

use crate::Documented;
use crate::conversation::{self, Conversation, Owner};
use crate::error::{self, Result};
use crate::id::{AgentEvent, AgentSession, Id, Noun};
use crate::name;
use crate::node;
use crate::refusals::{BrowserRefusals, NoSuchSession};
use crate::state::App;

/// The most conversations a list shows.
const MAX_SESSIONS: i64 = 50;
/// The most events one look at a transcript gives.
const MAX_EVENTS: usize = 100;
const MAX_TITLE_CHARS: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

const fn per_user(name: &'static str, count: NonZeroU32, window: Duration) -> LimitSpec {
    LimitSpec {
        name: Cow::Borrowed(name),
        per: LimitPer::User,
        count,
        window,
    }
}

/// The feature of a plan without which no conversation can be started.
pub(crate) const FEATURE: &str = "agents";

pub(crate) fn documented() -> Documented {
    const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
    const TWENTY: NonZeroU32 = NonZeroU32::new(20).unwrap();
    const THIRTY: NonZeroU32 = NonZeroU32::new(30).unwrap();
    const SIXTY: NonZeroU32 = NonZeroU32::new(60).unwrap();
    // Any member, but not by a key that is narrowed to paths: a conversation has none.
    let free = Rule::signed_in().role(Role::User);
    let start = free
        .clone()
        .feature(FEATURE)
        .limit(per_user("agent_sessions_per_minute", TEN, MINUTE))
        .limit(per_user("agent_sessions_per_hour", TWENTY, HOUR));
    let message =
        free.clone()
            .feature(FEATURE)
            .limit(per_user("agent_messages_per_minute", SIXTY, MINUTE));
    let cancel = free
        .clone()
        .limit(per_user("agent_cancels_per_minute", THIRTY, MINUTE));
    Documented::browser()
        .add(free.clone(), routes!(list_sessions))
        .add(start.clone(), routes!(create_session))
        .add(free.clone(), routes!(delete_session))
        .add(message.clone(), routes!(send_message))
        .add(free.clone(), routes!(read_transcript))
        .add(cancel.clone(), routes!(cancel_session))
}

/// List conversations
#[utoipa::path(get, path = "/api/managed-agents/sessions", tag = "agents",
    responses((status = 200, description = "The caller's conversations.", body = AgentSessionList),
        BrowserRefusals))]
async fn list_sessions(state: State<App>, permit: Permit) -> Result<Json<AgentSessionList>> {
    let mut connection = state.sample.database.read().await?;
    let found = conversation::newest(&mut connection, owner(&permit), MAX_SESSIONS, 0).await?;
    let sessions = found
        .into_iter()
        .map(|conversation| AgentSessionItem {
            id: conversation.id.to_string(),
            title: conversation.title,
            status: "idle",
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
        })
        .collect();
    Ok(Json(AgentSessionList { sessions }))
}

/// Begin a conversation
///
/// Needs the plan's feature `agents`. A user may begin 10 at once and then one every 6
/// seconds, and no more than 20 at once and then one every 3 minutes.
#[utoipa::path(post, path = "/api/managed-agents/session", tag = "agents",
    request_body = NewAgentSession,
    responses((status = 200, description = "It has begun.", body = AgentSessionStarted),
        BrowserRefusals))]
async fn create_session(
    state: State<App>,
    permit: Permit,
    body: Json<NewAgentSession>,
) -> Result<Json<AgentSessionStarted>> {
    let text = checked_text(&body.0.text)?;
    let (owner, sample) = (owner(&permit), &state.sample);
    let now = sample.clock.now();
    let run = sample.mint();
    let new = Conversation {
        id: sample.mint(),
        title: text.trim().chars().take(MAX_TITLE_CHARS).collect(),
        run: Some(run),
        created_at: now,
        updated_at: now,
    };
    let mut transaction = sample.database.write().await?;
    node::lock(&mut transaction, owner.scope).await?;
    conversation::insert(&mut transaction, owner, &new).await?;
    recording::say(sample, &mut transaction, owner, new.id, run, text).await?;
    transaction.commit().await?;
    Ok(Json(AgentSessionStarted {
        id: new.id.to_string(),
        run_id: run.to_string(),
        no_connectors: true,
    }))
}

/// Delete a conversation
///
/// Its transcript is gone for good.
#[utoipa::path(delete, path = "/api/managed-agents/session", tag = "agents",
    params(AgentSessionQuery),
    responses((status = 200, description = "It is gone.", body = Done), NoSuchSession, BrowserRefusals))]
async fn delete_session(
    state: State<App>,
    permit: Permit,
    query: Query<AgentSessionQuery>,
) -> Result<Json<Done>> {
    let id = parse::<AgentSession>("sessionId", &query.0.session_id)?;
    let mut transaction = state.sample.database.write().await?;
    if !conversation::delete(&mut transaction, owner(&permit), id).await? {
        return Err(no_session());
    }
    transaction.commit().await?;
    Ok(Json(Done::DONE))
}

/// Send a message
///
/// Needs the plan's feature `agents`, and counts towards the month's allowance of the
/// organisation. A user may send 60 at once, then one every second.
#[utoipa::path(post, path = "/api/managed-agents/message", tag = "agents",
    request_body = NewAgentMessage,
    responses((status = 200, description = "It was taken.", body = Done), NoSuchSession, BrowserRefusals))]
async fn send_message(
    state: State<App>,
    permit: Permit,
    body: Json<NewAgentMessage>,
) -> Result<Json<Done>> {
    let id = parse::<AgentSession>("sessionId", &body.0.session_id)?;
    let text = checked_text(&body.0.text)?;
    let (owner, sample) = (owner(&permit), &state.sample);
    let run = sample.mint();
    let mut transaction = sample.database.write().await?;
    if !recording::say(sample, &mut transaction, owner, id, run, text).await? {
        return Err(no_session());
    }
    // In the transaction of the message: what is not taken is not counted, and of two messages
    // that race for the last place one gets it.
    allowance::count_message(&mut transaction, &permit, sample.clock.now()).await?;
    transaction.commit().await?;
    Ok(Json(Done::DONE))
}

/// Read a transcript
#[utoipa::path(get, path = "/api/managed-agents/transcript", tag = "agents",
    params(TranscriptQuery),
    responses((status = 200, description = "What happened, the oldest first.", body = Transcript),
        NoSuchSession, BrowserRefusals))]
async fn read_transcript(
    state: State<App>,
    permit: Permit,
    query: Query<TranscriptQuery>,
) -> Result<Json<Transcript>> {
    let id = parse::<AgentSession>("sessionId", &query.0.session_id)?;
    let since = match query.0.since_event_id.as_deref() {
        Some(event) => Some(parse::<AgentEvent>("sinceEventId", event)?),
        None => None,
    };
    let mut connection = state.sample.database.read().await?;
    let found = conversation::find(&mut connection, owner(&permit), id)
        .await?
        .ok_or_else(no_session)?;
    let after = match since {
        None => 0,
        Some(event) => conversation::number_of(&mut connection, id, event)
            .await?
            .ok_or_else(|| {
                error::refused(
                    "sinceEventId",
                    "unknown_event",
                    "must be the id of an event of this session",
                )
            })?,
    };
    // One more than is shown tells whether there are more.
    let most = i64::try_from(MAX_EVENTS + 1).unwrap_or(i64::MAX);
    let mut events = conversation::events_after(&mut connection, id, after, most).await?;
    let has_more = events.len() > MAX_EVENTS;
    events.truncate(MAX_EVENTS);
    Ok(Json(Transcript {
        title: found.title,
        workflow_run_id: found.run.map(|run| run.to_string()),
        events: events.into_iter().map(TranscriptEvent::from).collect(),
        has_more,
        backfill_failed: false,
    }))
}

/// Cancel the work of a conversation
///
/// May be repeated: where nothing is left to cancel, `alreadyCancelled` says so. A user may
/// cancel 30 at once, then one every 2 seconds.
#[utoipa::path(post, path = "/api/managed-agents/cancel", tag = "agents",
    request_body = AgentSessionRef,
    responses((status = 200, description = "Nothing runs any more.", body = Done),
        NoSuchSession, BrowserRefusals))]
async fn cancel_session(
    state: State<App>,
    permit: Permit,
    body: Json<AgentSessionRef>,
) -> Result<Json<Done>> {
    let id = parse::<AgentSession>("sessionId", &body.0.session_id)?;
    let owner = owner(&permit);
    let mut transaction = state.sample.database.write().await?;
    let cancelled = conversation::cancel(&mut transaction, owner, id).await?;
    if !cancelled
        && conversation::find(&mut transaction, owner, id)
            .await?
            .is_none()
    {
        return Err(no_session());
    }
    transaction.commit().await?;
    Ok(Json(Done {
        ok: true,
        already_cancelled: !cancelled,
    }))
}

fn owner(permit: &Permit) -> Owner {
    Owner {
        scope: permit.scope(),
        user: permit.user_id(),
    }
}

fn checked_text(text: &str) -> Result<&str> {
    if text.trim().is_empty() {
        return Err(error::refused("text", "empty_text", "must not be empty").into());
    }
    name::check_text(text)
        .map_err(|invalid| Problem::invalid(vec![FieldError::new("text", invalid)]))?;
    Ok(text)
}

fn parse<N: Noun>(field: &str, text: &str) -> Result<Uuid> {
    let id: Id<N> = text
        .parse()
        .map_err(|invalid| Problem::invalid(vec![FieldError::new(field, invalid)]))?;
    Ok(id.uuid())
}

fn no_session() -> error::Error {
    Problem::not_found("session").into()
}
