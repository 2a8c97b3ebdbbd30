//! Requests that passed, and may still be refused by their handler.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::cache::Entry;
use crate::denials::RouteName;

/// The caller and the route of a request that passed. It is kept until the handler has answered,
/// because the handler may still refuse.
#[derive(Debug, Clone)]
pub struct Admitted {
    entry: Arc<Entry>,
    route: RouteName,
    address: Option<IpAddr>,
}

impl Admitted {
    pub(crate) fn new(entry: Arc<Entry>, route: RouteName, address: Option<IpAddr>) -> Self {
        Self {
            entry,
            route,
            address,
        }
    }

    /// Notes that the handler refused the request, or found nothing of this name for its caller.
    /// `reason` is the stable, `snake_case` cause.
    #[cold]
    pub fn refused(&self, reason: Cow<'static, str>) {
        let denials = self.entry.denials();
        denials.note_refused(
            self.entry.principal().into(),
            self.route,
            reason,
            self.address,
        );
    }
}
