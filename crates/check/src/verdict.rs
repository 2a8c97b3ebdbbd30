//! What the check answers.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use vestibule_model::Timestamp;
use vestibule_policy::rule::Dialect;
use vestibule_policy::table::RouteNumber;

use crate::bodies::Sender;
use crate::cache::Entry;
use crate::denial::Denial;
use crate::denials::Admitted;
use crate::head::RequestHead;
use crate::limits::network_of;
use crate::permit::Permit;

/// Stands for an address that nobody noted.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The answer. What passes is small; what is refused may say more.
pub type Verdict = Result<Passed, Box<Denial>>;

/// A request that may go on to its handler.
#[derive(Debug, Clone)]
pub struct Passed {
    caller: Option<(Arc<Entry>, RouteNumber)>,
    /// How the route speaks.
    pub dialect: Dialect,
    /// How many changes had been applied before the judgement.
    pub(crate) judged_at: u64,
    /// How many bytes of a JSON body or a form the route reads.
    pub body_bytes: usize,
}

impl Passed {
    pub(crate) fn new(
        caller: Option<(Arc<Entry>, RouteNumber)>,
        dialect: Dialect,
        judged_at: u64,
        body_bytes: usize,
    ) -> Self {
        Self {
            caller,
            dialect,
            judged_at,
            body_bytes,
        }
    }

    /// Whether it is known who is calling. Not so where the route asks for no caller and none was
    /// found.
    pub fn has_caller(&self) -> bool {
        self.caller.is_some()
    }

    /// Whether what is known of the caller may still be believed, where anything is.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.caller
            .as_ref()
            .is_none_or(|(entry, _)| entry.is_fresh(now))
    }

    /// Who sends the body of the request that was judged.
    pub(crate) fn sender(&self, head: &RequestHead<'_>) -> Sender {
        match &self.caller {
            Some((entry, _)) => {
                let principal = entry.principal();
                Sender::Known(principal.user_id, principal.organization_id)
            }
            // Whoever did not note the address has all strangers taken for one.
            None => Sender::Stranger(network_of(head.address.unwrap_or(NOWHERE))),
        }
    }

    /// The permit of the caller, where there is one, for the request that was judged: the one with
    /// this head.
    pub fn into_permit(self, head: &RequestHead<'_>) -> Option<Permit> {
        let (entry, _) = self.caller?;
        Some(Permit::new(entry, head.address, head.request_id.cloned()))
    }

    /// Who was let pass to which route, where it is known who calls, for the case that the handler
    /// refuses.
    pub fn admitted(&self, head: &RequestHead<'_>) -> Option<Admitted> {
        let (entry, route) = self.caller.as_ref()?;
        Some(Admitted::new(Arc::clone(entry), *route, head.address))
    }
}

/// How many requests were judged since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Those that passed; of some of them the handler refused what they asked for.
    pub permitted: u64,
    /// Those of known callers that were refused, by the check or by the handler.
    pub denied: u64,
    /// Those of callers whom nobody knows, which did not pass.
    pub turned_away: u64,
    /// How many credentials are remembered now.
    pub remembered: usize,
    /// The bytes of memory that they take, as they are weighed.
    pub remembered_bytes: u64,
    /// How many bytes of memory bodies on their way take now.
    pub body_bytes: usize,
}
