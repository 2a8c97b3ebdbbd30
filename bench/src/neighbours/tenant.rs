//! The tenant beside whom the neighbour lives.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use vestibule_credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_model::{
    ApiKey, ApiKeyId, Clock, Membership, Organization, OrganizationId, OsEntropy, PlanName, Role,
    Session, SessionId, SystemClock, Timestamp, User, UserId,
};
use vestibule_store::{Store, StoreUrl, Write};

use crate::first_sight::filled;

const KEYS_OF_A_USER: usize = 100;
const USERS: usize = 10_000;
const REVOKED_KEYS: usize = 300_000;

/// The tenant that makes the load.
pub(super) struct Tenant {
    pub(super) organization: OrganizationId,
    pub(super) owner_cookie: PlainSecret,
    /// Of a user who has revoked very many.
    pub(super) churning: PlainSecret,
    /// All those of one plain member.
    pub(super) flooding: Vec<PlainSecret>,
}

struct Filler {
    write: Write,
    organization: OrganizationId,
    now: Timestamp,
}

impl Filler {
    async fn member(&mut self, role: Role) -> Result<UserId> {
        let user_id = UserId::mint(&SystemClock, &OsEntropy);
        let user = User {
            id: user_id,
            email: format!("{user_id}@example.com").parse()?,
            first_name: None,
            last_name: None,
            created_at: self.now,
            suspended_at: None,
        };
        self.write.insert_user(&user, None).await?;
        let membership = Membership {
            organization_id: self.organization,
            user_id,
            role,
            created_at: self.now,
            deactivated_at: None,
        };
        self.write.insert_membership(&membership).await?;
        Ok(user_id)
    }

    async fn key(&mut self, owner_id: UserId, revoked: bool) -> Result<PlainSecret> {
        let secret = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
        let key = ApiKey {
            id: ApiKeyId::mint(&SystemClock, &OsEntropy),
            organization_id: self.organization,
            owner_id,
            name: "bench".parse()?,
            suffix: secret.suffix().to_owned(),
            connection_id: None,
            created_at: self.now,
            expires_at: None,
            last_used_at: None,
            revoked_at: revoked.then_some(self.now),
        };
        let digest = secret.digest();
        self.write.insert_api_key(&key, &digest, false).await?;
        Ok(secret)
    }

    async fn session(&mut self, user_id: UserId) -> Result<PlainSecret> {
        let cookie = mint(&Prefix::default(), SecretKind::Session, &OsEntropy);
        let session = Session {
            id: SessionId::mint(&SystemClock, &OsEntropy),
            user_id,
            organization_id: self.organization,
            created_at: self.now,
            last_seen_at: self.now,
            expires_at: self.now.after(Duration::from_secs(24 * 60 * 60)),
            ended_at: None,
        };
        let digest = cookie.digest();
        self.write.insert_session(&session, Some(&digest)).await?;
        Ok(cookie)
    }
}

/// Fills a database with a tenant.
pub(super) async fn fill(database: &Path) -> Result<Tenant> {
    let store = Store::connect(StoreUrl::sqlite(database)).await?;
    let now = SystemClock.now();
    let organization = Organization {
        id: OrganizationId::mint(&SystemClock, &OsEntropy),
        name: "Heavy".parse()?,
        plan: PlanName::default(),
        created_at: now,
        deactivated_at: None,
    };
    let mut write = store.begin().await?;
    write.insert_organization(&organization).await?;
    let mut filler = Filler {
        write,
        organization: organization.id,
        now,
    };
    let owner = filler.member(Role::Owner).await?;
    let owner_cookie = filler.session(owner).await?;
    let churns = filler.member(Role::User).await?;
    for _ in 0..REVOKED_KEYS {
        filler.key(churns, true).await?;
    }
    let churning = filler.key(churns, false).await?;
    let floods = filler.member(Role::User).await?;
    let mut flooding = Vec::new();
    for _ in 0..KEYS_OF_A_USER {
        flooding.push(filler.key(floods, false).await?);
    }
    for number in 0..USERS {
        let user = filler.member(Role::User).await?;
        for _ in 0..KEYS_OF_A_USER {
            filler.key(user, false).await?;
        }
        // Small transactions keep the journal small.
        if number % 500 == 499 {
            filler.write.commit(filled()).await?;
            filler.write = store.begin().await?;
        }
    }
    filler.write.commit(filled()).await?;
    store.close().await;
    Ok(Tenant {
        organization: organization.id,
        owner_cookie,
        churning,
        flooding,
    })
}
