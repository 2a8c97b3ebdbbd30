//! May this request pass? The steps of `docs/architecture.md`, in order, for every door.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use vestibule_credential::frame::Prefix;
use vestibule_credential::keyring::Keyring;
use vestibule_model::{BootTime, Change, Clock, CredentialRef, Plans, Timestamp};
use vestibule_policy::RuleTable;

use self::flights::Flights;
use self::steps::Counted;
use crate::bodies::{Bodies, BodyPlace};
use crate::cache::Cache;
use crate::csrf::OwnOrigin;
use crate::denials::{DenialBatch, Denials};
use crate::directory::Directory;
use crate::head::RequestHead;
use crate::limits::Limits;
use crate::parts::CheckParts;
use crate::usage::Usage;
use crate::verdict::{Passed, Totals, Verdict};

mod flights;
mod resolve;
mod route;
mod steps;

#[cfg(test)]
mod tests;

/// The check: one for a process, shared by all its doors. Cloning is cheap.
#[derive(Clone)]
pub struct Check(Arc<Inner>);

struct Inner {
    table: RuleTable,
    plans: Plans,
    directory: Arc<dyn Directory>,
    keyring: Option<Arc<ArcSwap<Keyring>>>,
    prefix: Prefix,
    cookie_name: String,
    origin: OwnOrigin,
    clock: Arc<dyn Clock>,
    cache: Cache,
    /// The questions that the directory has yet to answer.
    flights: Arc<Flights>,
    limits: Limits,
    bodies: Arc<Bodies>,
    usage: Usage,
    denials: Arc<Denials>,
    permitted: AtomicU64,
    turned_away: AtomicU64,
}

impl Check {
    /// A check with nothing remembered.
    pub fn new(parts: CheckParts) -> Self {
        Self(Arc::new(Inner {
            limits: Limits::new(&parts.table, &parts.plans),
            denials: Arc::new(Denials::new(&parts.table, Arc::clone(&parts.clock))),
            table: parts.table,
            plans: parts.plans,
            directory: parts.directory,
            keyring: parts.keyring,
            prefix: parts.prefix,
            cookie_name: parts.cookie_name,
            origin: parts.origin,
            clock: parts.clock,
            cache: Cache::new(parts.cache),
            flights: Arc::default(),
            bodies: Bodies::new(parts.body_bytes),
            usage: Usage::default(),
            permitted: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
        }))
    }

    /// Judges a request at once; `None` when its credential is not known yet and the directory
    /// has to be asked, which [`Check::check`] does.
    pub fn check_known(&self, head: &RequestHead<'_>) -> Option<Verdict> {
        let verdict = self.0.ask_cache(head)?;
        self.0.count(&verdict);
        Some(verdict)
    }

    /// Judges a request, asking the directory where the credential is not known yet.
    pub async fn check(&self, head: &RequestHead<'_>) -> Verdict {
        let verdict = self.0.ask(head, Counted::Yes).await;
        self.0.count(&verdict);
        verdict
    }

    /// A place for the body of a request that passed, among all the bodies that are on their way.
    pub fn place(&self, head: &RequestHead<'_>, passed: &Passed) -> BodyPlace {
        self.0.bodies.place(passed.sender(head))
    }

    /// Judges a request again whose body has arrived by now, if anything may have changed since: a
    /// credential that was revoked or has ended while its body was on the way opens nothing. It
    /// counts towards no limit a second time.
    pub async fn confirm(&self, head: &RequestHead<'_>, passed: Passed) -> Verdict {
        let cache = &self.0.cache;
        let at = self.0.clock.moment();
        // What others change is not heard while the lease does not hold.
        let stands =
            passed.judged_at == cache.applied() && cache.hears(at.boot) && passed.is_fresh(at.now);
        if stands || !passed.has_caller() {
            return Ok(passed);
        }
        let verdict = self.0.ask(head, Counted::Already).await;
        if verdict.is_err() {
            self.0.count(&verdict);
        }
        verdict
    }

    /// Makes a committed change hold: when this returns, no request that starts later passes on
    /// what was true before.
    pub fn apply(&self, change: Change) {
        self.0.cache.apply(change);
    }

    /// Forgets everything and remembers nothing until [`Check::resume`], because the changes of
    /// other servers cannot be heard.
    pub fn suspend(&self) {
        self.0.cache.suspend();
    }

    /// Remembers again, and uses what is remembered until this time since boot, by the clock of the
    /// check. [`Check::renew`] lets it go on.
    pub fn resume(&self, until: BootTime) {
        self.0.cache.resume(until);
    }

    /// Lets what is remembered be used until this time since boot: the changes that other servers
    /// make until then are applied before it. From then on the directory is asked every time, as
    /// after [`Check::suspend`], also where this process was stopped and could not be told.
    ///
    /// Until [`Check::suspend`] or this is called for the first time, there is no such end: nobody
    /// else makes changes.
    pub fn renew(&self, until: BootTime) {
        self.0.cache.renew(until);
    }

    /// The credentials used since the last call, at most one use a minute each.
    pub fn drain_usage(&self) -> Vec<(CredentialRef, Timestamp)> {
        self.0.usage.drain()
    }

    /// Waits until so many uses wait for [`drain_usage`](Self::drain_usage) that it should not wait
    /// for its turn.
    pub async fn usage_filling(&self) {
        self.0.usage.filling().await;
    }

    /// The denials of known callers since the last call.
    pub fn drain_denials(&self) -> DenialBatch {
        self.0.denials.drain()
    }

    /// Forgets the counts of those who have their full allowance again. To be called every few
    /// seconds.
    pub fn forget_idle_limits(&self) {
        self.0.limits.forget_idle();
    }

    /// Forgets the remembered credentials whose time is up. To be called about once a minute: what
    /// is not swept goes with later credentials, and is never used.
    pub fn forget_expired(&self) {
        self.0.cache.sweep(self.0.clock.now());
    }

    /// The origin of our own pages.
    pub fn origin(&self) -> &OwnOrigin {
        &self.0.origin
    }

    /// Which requests need what.
    pub fn table(&self) -> &RuleTable {
        &self.0.table
    }

    /// How many requests were judged.
    pub fn totals(&self) -> Totals {
        Totals {
            permitted: self.0.permitted.load(Ordering::Relaxed),
            denied: self.0.denials.count(),
            turned_away: self.0.turned_away.load(Ordering::Relaxed),
            remembered: self.0.cache.len(),
            remembered_bytes: self.0.cache.bytes(),
            body_bytes: self.0.bodies.taken_bytes(),
        }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn count(&self, verdict: &Verdict) {
        let counter = match verdict {
            Ok(_) => &self.permitted,
            Err(denial) if denial.caller.is_none() => &self.turned_away,
            // Noted already, and so counted.
            Err(_) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
