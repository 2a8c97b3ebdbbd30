//! Denials of known callers, aggregated for the audit log.
//!
//! A caller who is refused ten thousand times leaves one record with a count. Strangers are not
//! here at all: they cannot make the store write.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use http::Method;
use vestibule_model::{CredentialRef, OrganizationId, Timestamp, UserId};

/// What is told apart in one batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeniedCall {
    /// Who called.
    pub user_id: UserId,
    /// For which organisation.
    pub organization_id: OrganizationId,
    /// With what.
    pub credential: CredentialRef,
    /// The method, or `OTHER` for one that no route has.
    pub method: &'static str,
    /// The route's template; empty where there is no such route.
    pub route: Box<str>,
    /// The stable cause.
    pub reason: &'static str,
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

/// Different denials kept between two batches; further ones are only counted.
const MAX_DIFFERENT: usize = 4_096;

#[derive(Debug, Default)]
struct Waiting {
    calls: HashMap<DeniedCall, DeniedTimes>,
    overflow: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Denials(Mutex<Waiting>);

/// What was denied since the last batch.
#[derive(Debug, Default)]
pub struct DenialBatch {
    /// The denials.
    pub calls: Vec<(DeniedCall, DeniedTimes)>,
    /// How many more there were than could be told apart.
    pub overflow: u64,
}

impl Denials {
    pub(crate) fn note(&self, call: DeniedCall, at: Timestamp, address: Option<IpAddr>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = waiting.calls.get_mut(&call) {
            times.count += 1;
            times.last = at;
        } else if waiting.calls.len() < MAX_DIFFERENT {
            let times = DeniedTimes {
                count: 1,
                first: at,
                last: at,
                address,
            };
            waiting.calls.insert(call, times);
        } else {
            waiting.overflow += 1;
        }
    }

    pub(crate) fn drain(&self) -> DenialBatch {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        DenialBatch {
            calls: waiting.calls.into_iter().collect(),
            overflow: waiting.overflow,
        }
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
