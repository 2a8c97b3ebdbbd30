//! The answers of the check.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use vestibule_model::Timestamp;
use vestibule_policy::RouteKind;

use crate::admitted::Admitted;
use crate::bodies::Sender;
use crate::cache::Entry;
use crate::denial::Denial;
use crate::denials::RouteName;
use crate::head::RequestHead;
use crate::limits::network_of;
use crate::permit::Permit;
use crate::rules::Rules;

/// The address of requests for which nobody noted one.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The answer. What passes is small; what is refused may say more.
pub type Verdict = Result<Passed, Box<Denial>>;

/// A request that may go on to its handler.
#[derive(Debug, Clone)]
pub struct Passed {
    caller: Option<(Arc<Entry>, RouteName)>,
    /// The kind of the route: the credentials that it accepts, and its tag.
    pub kind: RouteKind,
    /// The number of changes that had been applied before the judgement.
    pub(crate) judged_at: u64,
    /// The rules of the judgement, if a body is yet to come: the request is confirmed by the same.
    pub(crate) rules: Option<Arc<Rules>>,
    /// The most bytes of a JSON body or a form that the route reads.
    pub body_bytes: usize,
}

impl Passed {
    pub(crate) fn new(
        caller: Option<(Arc<Entry>, RouteName)>,
        kind: RouteKind,
        judged_at: u64,
        rules: Option<Arc<Rules>>,
        body_bytes: usize,
    ) -> Self {
        Self {
            caller,
            kind,
            judged_at,
            rules,
            body_bytes,
        }
    }

    /// Returns true if the caller is known, which a route that asks for none does not require.
    pub fn has_caller(&self) -> bool {
        self.caller.is_some()
    }

    /// Returns true unless the caller is known by an entry that may not be believed any more.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.caller
            .as_ref()
            .is_none_or(|(entry, _)| entry.is_fresh(now))
    }

    /// Returns the sender of the body of the request that was judged.
    pub(crate) fn sender(&self, head: &RequestHead<'_>) -> Sender {
        match &self.caller {
            Some((entry, _)) => {
                let principal = entry.principal();
                Sender::Known(principal.user_id, principal.organization_id)
            }
            // A service that notes no addresses has all strangers counted as one.
            None => Sender::Stranger(network_of(head.address.unwrap_or(NOWHERE))),
        }
    }

    /// The permit of the caller, where there is one, for the request that was judged: the one with
    /// this head.
    pub fn into_permit(self, head: &RequestHead<'_>) -> Option<Permit> {
        let (entry, _) = self.caller?;
        Some(Permit::new(entry, head.address, head.request_id.cloned()))
    }

    /// Returns the caller and the route, if the caller is known, in case that the handler refuses.
    pub fn admitted(&self, head: &RequestHead<'_>) -> Option<Admitted> {
        let (entry, route) = self.caller.as_ref()?;
        Some(Admitted::new(Arc::clone(entry), *route, head.address))
    }
}
