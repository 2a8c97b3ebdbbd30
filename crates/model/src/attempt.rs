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
    /// The time at which it ended.
    pub at: Timestamp,
    /// Its purpose: `sign_in`, `test` or `link`.
    pub purpose: String,
    /// The clause that failed; `None` where none did.
    pub clause: Option<String>,
    /// The outcome, in one sentence.
    pub detail: String,
    /// The provider, where it answered.
    pub issuer: Option<String>,
    /// The person that the provider named.
    pub subject: Option<String>,
    /// The address it told, proved or not.
    pub email: Option<Email>,
    /// The user it led to.
    pub user_id: Option<UserId>,
    /// The client address of the browser.
    pub address: Option<IpAddr>,
    /// The result of a test, as JSON.
    pub report: Option<String>,
}
