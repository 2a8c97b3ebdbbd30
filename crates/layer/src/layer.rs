//! The tower layer.

use tower::Layer;
use vestibule_check::Check;

use crate::CheckService;

/// Puts the check before a service.
///
/// For what it does to a request see [`CheckService`].
#[derive(Debug, Clone)]
pub struct CheckLayer {
    check: Check,
}

impl CheckLayer {
    /// A layer that asks this check.
    pub const fn new(check: Check) -> Self {
        Self { check }
    }
}

impl<S> Layer<S> for CheckLayer {
    type Service = CheckService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CheckService::new(self.check.clone(), inner)
    }
}
