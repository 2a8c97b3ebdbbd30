//! Who is calling: from a credential to all that a decision needs, in one query.

mod grants;
mod query;

use std::time::Duration;

use vestibule_model::{
    ApiKey, Digest, HeldGrant, OrgScope, OrganizationId, PlanName, Role, Session, SessionId,
    SigningKeyId, Timestamp, UserId,
};

use self::grants::read_grants;
use self::query::{BY_COOKIE, BY_KEY, BY_MEMBERSHIP, BY_SESSION, BY_TOKEN};
use crate::api_key::read_api_key;
use crate::session::read_session;
use crate::sql::{Query, Row};
use crate::{Store, StoreError};

/// A request waits for its caller this long at most, and is then told that the truth cannot be
/// known.
const PATIENCE: Duration = Duration::from_millis(900);

/// The stored facts about a caller, besides the credential itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerRow {
    /// The user: of a key, its owner.
    pub user_id: UserId,
    /// Since when the user is suspended, where that is so.
    pub user_suspended_at: Option<Timestamp>,
    /// The organisation the call is about.
    pub organization_id: OrganizationId,
    /// Since when the organisation is deactivated, where that is so.
    pub organization_deactivated_at: Option<Timestamp>,
    /// The organisation's plan.
    pub plan: PlanName,
    /// The user's role there, and since when the membership is deactivated, where that is so.
    pub membership: Option<(Role, Option<Timestamp>)>,
    /// The user's own grants there and those of the user's groups, by id.
    pub grants: Vec<HeldGrant>,
    /// The grants that narrow the key; `None` where the credential has the user's full rights.
    pub narrowed_to: Option<Vec<HeldGrant>>,
}

impl Store {
    /// Returns the caller that a member, active or not, would be after a sign-in of any kind.
    pub async fn caller_by_membership(
        &self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Option<CallerRow>, StoreError> {
        let query = BY_MEMBERSHIP.on(self).bind(scope).bind(user);
        let found = self.caller(query, |_| Ok(())).await?;
        Ok(found.map(|((), row)| row))
    }

    /// The key with this digest, deleted and expired ones too, and who calls with it.
    pub async fn caller_by_key(
        &self,
        digest: &Digest,
    ) -> Result<Option<(ApiKey, CallerRow)>, StoreError> {
        self.caller(BY_KEY.on(self).bind(digest), read_api_key)
            .await
    }

    /// The session whose cookie has this digest, ended ones too, and who calls with it, in the
    /// session's active organisation.
    pub async fn caller_by_cookie(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Session, CallerRow)>, StoreError> {
        self.caller(BY_COOKIE.on(self).bind(digest), read_session)
            .await
    }

    /// A session, ended ones too, and who calls with an access token of it that was signed with
    /// this key, in the token's organisation; nobody where the key is no longer kept.
    pub async fn caller_by_token(
        &self,
        session: SessionId,
        organization: OrganizationId,
        key: SigningKeyId,
    ) -> Result<Option<(Session, CallerRow)>, StoreError> {
        let query = BY_TOKEN.on(self).bind(session).bind(organization).bind(key);
        self.caller(query, read_session).await
    }

    /// A session, ended ones too, and who its user is in an organisation.
    pub async fn caller_by_session(
        &self,
        session: SessionId,
        organization: OrganizationId,
    ) -> Result<Option<(Session, CallerRow)>, StoreError> {
        let query = BY_SESSION.on(self).bind(session).bind(organization);
        self.caller(query, read_session).await
    }

    async fn caller<T>(
        &self,
        query: Query,
        read_credential: fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<(T, CallerRow)>, StoreError> {
        let read = |row: &Row<'_>| Ok((read_credential(row)?, read_caller(row)?));
        if let Some(Ok(answer)) = self.inline().map(|inline| inline.optional(&query, read)) {
            return answer;
        }
        let patient = async {
            let reader = &mut self.caller_reader().await?;
            query.optional(reader, read).await
        };
        tokio::time::timeout(PATIENCE, patient)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())))
    }
}

fn read_caller(row: &Row<'_>) -> Result<CallerRow, StoreError> {
    let role: Option<Role> = row.get("role")?;
    let membership = match role {
        Some(role) => Some((role, row.get("membership_deactivated_at")?)),
        None => None,
    };
    let mut grants = read_grants(row.get("user_grants")?)?;
    grants.extend(read_grants(row.get("group_grants")?)?);
    grants.sort_unstable_by_key(|grant| grant.id);
    let narrowed_to = match row.get("key_grants")? {
        Some(text) => Some(read_grants(Some(text))?),
        None => None,
    };
    Ok(CallerRow {
        user_id: row.get("user_id")?,
        user_suspended_at: row.get("user_suspended_at")?,
        organization_id: row.get("organization_id")?,
        organization_deactivated_at: row.get("organization_deactivated_at")?,
        plan: row.get("plan")?,
        membership,
        grants,
        narrowed_to,
    })
}

#[cfg(test)]
mod tests;
