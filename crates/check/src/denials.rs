//! Denials of known callers, aggregated for the audit log: those of the check, and those that a
//! handler gives to a caller whom the check let pass.
//!
//! A caller who is refused ten thousand times leaves one record with a count. Strangers are not
//! here at all: they cannot make the store write.

mod waiting;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use vestibule_model::{Clock, CredentialRef, OrganizationId, Principal, Timestamp, UserId};
use vestibule_policy::RuleTable;
use vestibule_policy::table::RouteNumber;

pub use self::waiting::DenialBatch;
use self::waiting::Waiting;
use crate::cache::Entry;

/// Who called: somebody whose credential was found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownCaller {
    /// The user, or who owns the key.
    pub user_id: UserId,
    /// For which organisation.
    pub organization_id: OrganizationId,
    /// With what.
    pub credential: CredentialRef,
}

impl From<&Principal> for KnownCaller {
    fn from(principal: &Principal) -> Self {
        Self {
            user_id: principal.user_id,
            organization_id: principal.organization_id,
            credential: principal.credential,
        }
    }
}

/// What is told apart in one batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeniedCall {
    /// Who called.
    pub caller: KnownCaller,
    /// The method, or `OTHER` for one that no route has.
    pub method: &'static str,
    /// The route's template; empty where there is no such route.
    pub route: Box<str>,
    /// The stable cause.
    pub reason: Cow<'static, str>,
}

/// How often it happened in the time of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeniedTimes {
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// Where the first call came from.
    pub address: Option<IpAddr>,
}

/// See the module.
pub(crate) struct Denials {
    /// Method and template of every route, by its number.
    routes: Vec<(&'static str, Box<str>)>,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
    count: AtomicU64,
}

impl Denials {
    pub(crate) fn new(table: &RuleTable, clock: Arc<dyn Clock>) -> Self {
        let mut routes: Vec<_> = table.routes().collect();
        routes.sort_by_key(|route| route.number.index());
        let named = |name: &str| {
            let method = Method::from_bytes(name.as_bytes());
            method.as_ref().map_or("OTHER", method_name)
        };
        Self {
            routes: routes
                .iter()
                .map(|route| (named(route.method), route.template.into()))
                .collect(),
            clock,
            waiting: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    /// How many there were ever.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, call: DeniedCall, address: Option<IpAddr>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let at = self.clock.now();
        self.waiting().note(call, at, address);
    }

    pub(crate) fn drain(&self) -> DenialBatch {
        std::mem::take(&mut *self.waiting()).into()
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

/// Who was let pass, and to which route: kept until the handler has answered, because it may still
/// refuse.
#[derive(Debug, Clone)]
pub struct Admitted {
    entry: Arc<Entry>,
    route: RouteNumber,
    address: Option<IpAddr>,
}

impl Admitted {
    pub(crate) fn new(entry: Arc<Entry>, route: RouteNumber, address: Option<IpAddr>) -> Self {
        Self {
            entry,
            route,
            address,
        }
    }

    /// Notes that the handler refused, or found nothing of this name for the caller, for this stable
    /// cause.
    #[cold]
    pub fn refused(&self, reason: Cow<'static, str>) {
        let denials = self.entry.denials();
        let Some((method, route)) = denials.routes.get(self.route.index()) else {
            return;
        };
        let call = DeniedCall {
            caller: self.entry.principal().into(),
            method,
            route: route.clone(),
            reason,
        };
        denials.note(call, self.address);
    }
}

/// The method as a name that does not have to be kept: what a stranger invents is not repeated.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
