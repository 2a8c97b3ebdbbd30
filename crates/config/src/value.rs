//! One value, as it was written.

use std::fmt;

use super::kind::Raw;
use super::provenance::Provenance;

/// A value and its origin. `Debug` shows no value, since some are secrets.
#[derive(Clone)]
pub struct Value {
    pub(crate) raw: Raw,
    /// The place that the value came from.
    pub provenance: Provenance,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value")
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}
