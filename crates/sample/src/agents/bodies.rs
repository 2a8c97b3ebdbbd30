//! What requests and answers about conversations look like.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vestibule_layer::model::Timestamp;

use crate::conversation::Event;

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentSessionItem {
    /// Its id.
    #[schema(format = "uuid")]
    pub(super) id: String,
    /// The first 60 characters of its first message.
    pub(super) title: String,
    /// Always `idle`: nothing runs here.
    pub(super) status: &'static str,
    /// The time at which it started.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    /// The time of the last message.
    #[schema(value_type = String, format = DateTime)]
    pub(super) updated_at: Timestamp,
}

/// The caller's conversations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentSessionList {
    /// At most 50, the last used first.
    pub(super) sessions: Vec<AgentSessionItem>,
}

/// A conversation to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAgentSession {
    /// The first message.
    #[schema(min_length = 1)]
    pub(super) text: String,
}

/// A conversation that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentSessionStarted {
    /// The conversation's id.
    #[schema(format = "uuid")]
    pub(super) id: String,
    /// The id of the work that the message started.
    #[schema(format = "uuid")]
    pub(super) run_id: String,
    /// Always true: no other service is connected here.
    pub(super) no_connectors: bool,
}

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewAgentMessage {
    /// The conversation's id.
    pub(super) session_id: String,
    /// The message.
    #[schema(min_length = 1)]
    pub(super) text: String,
}

/// The conversation to act on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AgentSessionRef {
    /// The conversation's id.
    pub(super) session_id: String,
}

/// The conversation to act on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AgentSessionQuery {
    /// The conversation's id.
    pub(super) session_id: String,
}

/// A part of a conversation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TranscriptQuery {
    /// The conversation's id.
    pub(super) session_id: String,
    /// The last event that is known already.
    pub(super) since_event_id: Option<String>,
}

/// The confirmation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done {
    /// Always true.
    pub(super) ok: bool,
    /// True where there was nothing left to cancel.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) already_cancelled: bool,
}

impl Done {
    /// Done, and there was something to do.
    pub(super) const DONE: Self = Self {
        ok: true,
        already_cancelled: false,
    };
}

/// The messages and events of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transcript {
    /// The conversation's title.
    pub(super) title: String,
    /// The id of the work that the newest message started.
    #[schema(format = "uuid")]
    pub(super) workflow_run_id: Option<String>,
    /// At most 100, the oldest first.
    pub(super) events: Vec<TranscriptEvent>,
    /// True if there are more after the last of these.
    pub(super) has_more: bool,
    /// Always false: the transcript is complete.
    pub(super) backfill_failed: bool,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TranscriptEvent {
    /// Its id, to ask for what came after it.
    #[schema(format = "uuid")]
    pub(super) id: String,
    /// `user_message` or `status_idle`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The time of the event.
    #[schema(value_type = String, format = DateTime)]
    pub(super) occurred_at: Timestamp,
    /// The content of the event; of a message, its text.
    #[schema(value_type = Object)]
    pub(super) payload: serde_json::Value,
}

impl From<Event> for TranscriptEvent {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind,
            occurred_at: event.occurred_at,
            payload: serde_json::from_str(&event.payload).unwrap_or_default(),
        }
    }
}
