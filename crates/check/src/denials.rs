//! Denials of known callers, aggregated for the audit log: those of the check, and those that a
//! handler gives to a caller whom the check let pass.
//!
//! A caller who is refused ten thousand times leaves one record with a count. Strangers are not
//! recorded at all: they cannot make the store write.

mod routes;
mod waiting;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vestibule_model::Clock;
use vestibule_policy::RuleTable;

use self::routes::RouteNames;
pub(crate) use self::routes::{RouteName, method_name};
use self::waiting::Waiting;
pub use self::waiting::{DenialBatch, DeniedCall, DeniedTimes};
use crate::known_caller::KnownCaller;

/// The denials of one process. See the module.
pub(crate) struct Denials {
    routes: Mutex<RouteNames>,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
    count: AtomicU64,
}

impl Denials {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            routes: Mutex::default(),
            clock,
            waiting: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    /// Returns the names of a table's routes, each at the index of its route's number.
    pub(crate) fn names_of(&self, table: &RuleTable) -> Vec<RouteName> {
        let mut routes: Vec<_> = table.routes().collect();
        routes.sort_by_key(|route| route.number.index());
        let mut names = self.routes();
        let name = |route: &vestibule_policy::Route<'_>| names.intern(route.method, route.template);
        routes.iter().map(name).collect()
    }

    /// Returns the number of denials since the start.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Notes that the check refused a call.
    pub(crate) fn note(&self, call: DeniedCall, address: Option<IpAddr>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let at = self.clock.now();
        self.waiting().note(call, at, address);
    }

    /// Notes that a handler refused a call that the check had let pass to this route.
    pub(crate) fn note_refused(
        &self,
        caller: KnownCaller,
        route: RouteName,
        reason: Cow<'static, str>,
        address: Option<IpAddr>,
    ) {
        let Some((method, route)) = self.routes().get(route) else {
            return;
        };
        let call = DeniedCall {
            caller,
            method,
            route,
            reason,
        };
        self.note(call, address);
    }

    /// Returns the denials since the last call.
    pub(crate) fn drain(&self) -> DenialBatch {
        std::mem::take(&mut *self.waiting()).into()
    }

    fn routes(&self) -> MutexGuard<'_, RouteNames> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Denials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Denials")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
