//! A fixture full of callers, all in memory: the cost of a store is measured on its own.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use arc_swap::ArcSwap;
use vestibule_check::{Core, CoreParts, EntryPoint, MemoryDirectory, OwnOrigin};
use vestibule_credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_credential::keyring::{Issuer, Keyring, SigningKey};
use vestibule_credential::token::{Claims, TokenId};
use vestibule_layer::{LimitPer, LimitSpec, Rule, RuleTable};
use vestibule_model::{
    ApiKeyId, Capability, Clock, CredentialRef, Entropy, GrantId, HeldGrant, OrganizationId, Plan,
    PlanName, Plans, Principal, ResourcePath, Role, SessionId, SystemClock, Timestamp, UserId,
};

/// How many callers there are; measurements use one of them, or all.
pub(crate) const MANY: usize = 100_000;

/// The template of the one route that is measured, and a path that it matches.
pub(crate) const ROUTE: &str = "/v1/things/{id}";
pub(crate) const PATH: &str = "/v1/things/42";

/// What both handlers answer: 250 bytes.
pub(crate) const ANSWER: &str = concat!(
    r#"{"id":"thing_01jhmpfn80e48s5s0q7b7cwx5e","name":"A thing like any other","path":"/shared/42","#,
    r#""tenant_id":"tenant_01jhmpfn80e48s5s0q7b7cwx5e","created_at":"2027-01-31T12:00:00Z","#,
    r#""updated_at":"2027-01-31T12:00:00Z","size":1234,"tags":["a","b"],"status":"fine"}"#
);

/// Everything that a rule can demand at once: a role, a feature, a capability on a path, a limit.
pub(crate) fn rule() -> Rule {
    Rule::signed_in()
        .role(Role::User)
        .feature("things")
        .capability(Capability::ReadOnly, "/shared/{id}")
        .limit(LimitSpec {
            name: "things".into(),
            per: LimitPer::User,
            count: NonZeroU32::MAX,
            window: Duration::from_secs(60),
        })
}

/// Repeatable "randomness", so that the server and its client know the same secrets.
struct Counting(std::sync::atomic::AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // splitmix64, for an even spread.
            let mut mixed = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let mixed = (mixed ^ (mixed >> 31)).to_ne_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
    }
}

/// The credentials of the callers.
pub(crate) struct Callers {
    pub(crate) keys: Vec<PlainSecret>,
    pub(crate) cookie: PlainSecret,
    pub(crate) token: String,
}

struct Made {
    callers: Callers,
    directory: MemoryDirectory,
    keyring: Keyring,
    plans: Plans,
}

fn plan() -> Plan {
    Plan {
        features: ["things".to_owned()].into(),
        limits: [(Plan::REQUESTS_PER_MINUTE.to_owned(), u64::from(u32::MAX))].into(),
        ..Plan::bare(PlanName::default())
    }
}

fn made() -> Result<Made> {
    let entropy = Counting(std::sync::atomic::AtomicU64::new(1));
    // The keyring is made at one moment by client and server alike: the first of the day.
    let now = SystemClock.now();
    let today = Timestamp::from_seconds(now.as_seconds() / 86_400 * 86_400);
    let clock = vestibule_model::clock::ManualClock::new(today);
    let plan = Arc::new(plan());
    let principal = |credential: CredentialRef| -> Result<Principal> {
        let user_id = UserId::mint(&clock, &entropy);
        Ok(Principal {
            user_id,
            organization_id: OrganizationId::mint(&clock, &entropy),
            role: Role::User,
            home: ResourcePath::home_of(user_id),
            grants: Arc::new([HeldGrant {
                id: GrantId::mint(&clock, &entropy),
                through: None,
                path: "/shared".parse()?,
                capability: Capability::ReadWrite,
                can_approve: false,
            }]),
            narrowed_to: None,
            plan: Arc::clone(&plan),
            credential,
            expires_at: None,
        })
    };
    let prefix = Prefix::default();
    let mut directory = MemoryDirectory::new();
    let mut keys = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        let key = mint(&prefix, SecretKind::LiveKey, &entropy);
        let credential = CredentialRef::ApiKey(ApiKeyId::mint(&clock, &entropy));
        directory = directory.with(&key.digest(), principal(credential)?);
        keys.push(key);
    }
    let cookie = mint(&prefix, SecretKind::Session, &entropy);
    let session = SessionId::mint(&clock, &entropy);
    let by_cookie = principal(CredentialRef::SessionCookie(session))?;
    let by_token = Principal {
        credential: CredentialRef::AccessToken(session),
        ..by_cookie.clone()
    };
    let signing_key = SigningKey::generate(&clock, &entropy);
    let issuer = Issuer {
        issuer: "http://127.0.0.1".to_owned(),
        audience: "http://127.0.0.1".to_owned(),
    };
    let life = Duration::from_secs(2 * 86_400);
    let keyring = Keyring::new(issuer, vec![signing_key])?.with_token_life(life);
    let token = keyring.sign(&Claims {
        subject: by_token.user_id,
        organization: by_token.organization_id,
        session,
        id: TokenId::mint(&clock, &entropy),
        issued_at: today,
        expires_at: today.after(life),
    })?;
    Ok(Made {
        directory: directory
            .with(&cookie.digest(), by_cookie)
            .with_session(by_token),
        callers: Callers {
            keys,
            cookie,
            token,
        },
        keyring,
        plans: Plans::new([(*plan).clone()]),
    })
}

/// The credentials alone, for the client.
pub(crate) fn callers() -> Result<Callers> {
    Ok(made()?.callers)
}

/// The check that knows them, and the credentials.
pub(crate) fn check(table: RuleTable) -> Result<(EntryPoint, Callers)> {
    let made = made()?;
    let origin: OwnOrigin = "http://127.0.0.1".parse()?;
    let core = Core::new(CoreParts {
        plans: made.plans,
        keyring: Some(Arc::new(ArcSwap::from_pointee(made.keyring))),
        cache: vestibule_check::CacheBounds {
            bytes: 1 << 30,
            entries: 2 * MANY,
            max_age: Duration::from_secs(3_600),
        },
        ..CoreParts::new(Arc::new(made.directory))
    });
    Ok((core.entry_point(table, origin), made.callers))
}
