//! The memory of remembered callers: many with typical grants, and as many with all that one
//! may have.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method};
use vestibule_check::{
    CacheBounds, Core, CoreParts, Directory, OwnOrigin, RequestHead, Unresolved,
};
use vestibule_credential::frame::{Prefix, SecretKind, mint};
use vestibule_credential::token::Verified;
use vestibule_layer::{Accepts, Rule, RuleTable};
use vestibule_model::{
    ApiKeyId, Capability, CredentialRef, Digest, Grant, GrantId, Group, GroupId, HeldGrant,
    OrganizationId, OsEntropy, Plan, PlanName, Principal, ResourcePath, Role, SystemClock, UserId,
};

use crate::cpu;

const CALLERS: usize = 100_000;
/// As many as fill the bound several times over.
const HEAVIEST: usize = 400;
const MIB: f64 = 1_024.0 * 1_024.0;

/// The grants that callers hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Callers {
    /// Three grants each.
    Typical,
    /// All the grants and groups that one may have, on paths as long as they may be, and a key that
    /// is narrowed to as many.
    Heaviest,
}

/// Whoever presents a key is somebody new.
struct Anybody {
    callers: Callers,
    plan: Arc<Plan>,
}

impl Anybody {
    fn principal(&self) -> Result<Principal> {
        let user_id = UserId::mint(&SystemClock, &OsEntropy);
        let (own, through, narrowed) = match self.callers {
            Callers::Typical => (3, 0, None),
            Callers::Heaviest => (
                Grant::MAX_PER_USER,
                Group::MAX_PER_USER * Grant::MAX_PER_GROUP,
                Some(Grant::MAX_PER_API_KEY),
            ),
        };
        let mut held = (0..own)
            .map(|number| self.grant(number, None))
            .collect::<Result<Vec<_>>>()?;
        for number in 0..through {
            let group = GroupId::mint(&SystemClock, &OsEntropy);
            held.push(self.grant(number, Some(group))?);
        }
        let narrowed = narrowed.map(|count| {
            let grants = (0..count).map(|number| self.grant(number, None));
            grants.collect::<Result<Arc<[_]>>>()
        });
        Ok(Principal {
            user_id,
            organization_id: OrganizationId::mint(&SystemClock, &OsEntropy),
            role: Role::User,
            home: ResourcePath::home_of(user_id),
            grants: held.into(),
            narrowed_to: narrowed.transpose()?,
            plan: Arc::clone(&self.plan),
            credential: CredentialRef::ApiKey(ApiKeyId::mint(&SystemClock, &OsEntropy)),
            expires_at: None,
        })
    }

    fn grant(&self, number: usize, through: Option<GroupId>) -> Result<HeldGrant> {
        let path = match self.callers {
            Callers::Typical => format!("/shared/engineering/plans-{number}"),
            Callers::Heaviest => format!("/{number:0width$}", width = ResourcePath::MAX_BYTES - 1),
        };
        Ok(HeldGrant {
            id: GrantId::mint(&SystemClock, &OsEntropy),
            through,
            path: path.parse()?,
            capability: Capability::ReadWrite,
            can_approve: false,
        })
    }
}

impl Directory for Anybody {
    fn api_key<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        let made = self.principal();
        Box::pin(async { made.map_err(|error| Unresolved::Unavailable(error.to_string())) })
    }

    fn session_cookie<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }

    fn access_token<'a>(&'a self, _: &'a Verified) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }
}

/// Lets a check see callers that were never seen, and prints what it takes. To be run in a process
/// of its own.
pub(crate) fn remember(callers: Callers, mib: usize) -> Result<()> {
    let path = "/v1/things";
    let table = RuleTable::builder()
        .add("GET", path, Accepts::Bearer, Rule::signed_in())?
        .build();
    let directory = Anybody {
        callers,
        plan: Arc::new(Plan::bare(PlanName::default())),
    };
    let origin: OwnOrigin = "http://127.0.0.1".parse()?;
    let core = Core::new(CoreParts {
        cache: CacheBounds {
            bytes: mib * 1_024 * 1_024,
            entries: CALLERS,
            max_age: Duration::from_secs(3_600),
        },
        ..CoreParts::new(Arc::new(directory))
    });
    let entry_point = core.entry_point(table, origin);
    let count = match callers {
        Callers::Typical => CALLERS,
        Callers::Heaviest => HEAVIEST,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let resident = || -> Result<f64> {
        let bytes = cpu::memory(std::process::id(), "VmRSS")?;
        Ok(f64::from(u32::try_from(bytes / 1_024)?) * 1_024.0 / MIB)
    };
    let before = resident()?;
    for _ in 0..count {
        let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {}", key.expose());
        headers.insert(http::header::AUTHORIZATION, HeaderValue::from_str(&value)?);
        let head = RequestHead {
            method: &Method::GET,
            path,
            headers: &headers,
            has_body: false,
            address: None,
            request_id: None,
        };
        let passed = runtime.block_on(entry_point.check(&head));
        ensure!(passed.is_ok(), "a caller was refused");
    }
    let totals = core.totals();
    let weighed = f64::from(u32::try_from(totals.remembered_bytes / 1_024)?) * 1_024.0 / MIB;
    println!(
        "  {callers:?}, cache.memory_mib = {mib}: {} of {count} remembered, weighed {weighed:.1} \
         MiB, resident {before:.1} MiB before, {:.1} MiB after",
        totals.remembered,
        resident()?
    );
    Ok(())
}

pub(crate) fn measure() -> Result<()> {
    println!("memory of remembered callers (bar: {CALLERS} with typical grants in 128 MiB)");
    for (callers, mib) in [
        ("typical", "128"),
        ("typical", "64"),
        ("heaviest", "64"),
        ("heaviest", "16"),
    ] {
        let status = Command::new(std::env::current_exe()?)
            .args(["remember", callers, mib])
            .status()
            .context("start the process that remembers")?;
        ensure!(status.success(), "{status}");
    }
    Ok(())
}
