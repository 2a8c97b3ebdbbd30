//! Sign-ins.

use std::time::Duration;

use crate::{OrganizationId, SessionId, Timestamp, UserId};

/// One sign-in of one user, with one active organisation. Its cookie and its access tokens end
/// with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// The user who signed in.
    pub user_id: UserId,
    /// The active organisation of its cookie.
    pub organization_id: OrganizationId,
    /// The time of the sign-in.
    pub created_at: Timestamp,
    /// The time of the last use, to the minute.
    pub last_seen_at: Timestamp,
    /// The time at which it expires, however much it is used.
    pub expires_at: Timestamp,
    /// The time at which it was ended. `None` while it stands.
    pub ended_at: Option<Timestamp>,
}

/// The lifetimes of sessions and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// A session unused for this long is over. 7 days by default.
    pub session_idle: Duration,
    /// A session of this age is over. 30 days by default.
    pub session_absolute: Duration,
    /// A new access token lives this long, and never longer than its session. 1 hour by default.
    pub access_token: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            session_idle: Duration::from_secs(7 * DAY),
            session_absolute: Duration::from_secs(30 * DAY),
            access_token: Duration::from_hours(1),
        }
    }
}

impl Session {
    /// The most sessions that a user may have at once from password sign-ins, and the most from
    /// each organisation's provider. One more sign-in ends a session of the same kind.
    pub const MAX_PER_USER: u32 = 200;

    /// Returns the time at which the session expires unless it is used again.
    pub fn deadline(&self, lifetimes: &Lifetimes) -> Timestamp {
        self.last_seen_at
            .after(lifetimes.session_idle)
            .min(self.expires_at)
    }

    /// Returns whether the session has neither expired nor been ended.
    pub fn is_live(&self, now: Timestamp, lifetimes: &Lifetimes) -> bool {
        self.ended_at.is_none() && now < self.deadline(lifetimes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_idleness_by_age_and_by_sign_out() {
        let lifetimes = Lifetimes::default();
        let start = Timestamp::from_seconds(1_800_000_000);
        let day = Duration::from_secs(24 * 60 * 60);
        let mut session = Session {
            id: SessionId::from_uuid(uuid::Uuid::nil()),
            user_id: UserId::from_uuid(uuid::Uuid::nil()),
            organization_id: OrganizationId::from_uuid(uuid::Uuid::nil()),
            created_at: start,
            last_seen_at: start,
            expires_at: start.after(lifetimes.session_absolute),
            ended_at: None,
        };
        assert!(session.is_live(start.after(day * 6), &lifetimes));
        assert!(!session.is_live(start.after(day * 7), &lifetimes));
        session.last_seen_at = start.after(day * 29);
        assert!(session.is_live(start.after(day * 29), &lifetimes));
        assert!(!session.is_live(start.after(day * 30), &lifetimes));
        session.ended_at = Some(start.after(day));
        assert!(!session.is_live(start.after(day), &lifetimes));
    }
}
