//! Tries to sign in through a connection.

use std::net::IpAddr;

use crate::{AttemptId, ConnectionId, Email, OrganizationId, Timestamp, UserId};

/// One try, as its organisation's administrators see it. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoAttempt {
    /// The try's id.
    pub id: AttemptId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The organisation of the connection.
    pub organization_id: OrganizationId,
    /// When it ended.
    pub at: Timestamp,
    /// What it was for: `sign_in`, `test` or `link`.
    pub purpose: String,
    /// The clause that failed; `None` where none did.
    pub clause: Option<String>,
    /// What happened, in one sentence.
    pub detail: String,
    /// The provider, where it answered.
    pub issuer: Option<String>,
    /// Whom it named.
    pub subject: Option<String>,
    /// The address it told, proved or not.
    pub email: Option<Email>,
    /// The user it led to.
    pub user_id: Option<UserId>,
    /// Where the browser was.
    pub address: Option<IpAddr>,
    /// What a test showed, as JSON.
    pub report: Option<String>,
}
