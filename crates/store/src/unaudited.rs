//! Transactions that change no right, and so take no audit record.
//!
//! Each has only the changes that are named here and in the files of their nouns: uses and denials
//! that were counted, what is long gone, what strangers leave behind, the clock's doubt. None of
//! them makes a cached principal wrong, so that there is no way to note a
//! [`Change`](vestibule_model::Change) either.

use vestibule_model::{ConnectionId, Digest, OrgScope, Timestamp};

use crate::sql::{Connection, Source};
use crate::{StoreError, Write};

/// A transaction that changes no right: it commits without an audit record.
#[must_use = "a transaction that is not committed is rolled back"]
pub struct UnauditedWrite(Write);

impl UnauditedWrite {
    pub(crate) const fn new(write: Write) -> Self {
        Self(write)
    }

    /// Returns the transaction as it is underneath, for what it may do without a record.
    pub(crate) const fn inner(&mut self) -> &mut Write {
        &mut self.0
    }

    /// Commits. The commit runs to its end even if the caller stops waiting for it.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.0.finish().await
    }

    /// Turns this into a transaction that may change everything, and commits only with a record.
    pub fn into_audited(self) -> Write {
        self.0
    }

    /// [`Write::keep`].
    pub fn keep(&mut self, something: impl Send + 'static) {
        self.0.keep(something);
    }

    /// [`Write::lock_organization`].
    pub async fn lock_organization(&mut self, scope: OrgScope) -> Result<bool, StoreError> {
        self.0.lock_organization(scope).await
    }

    /// [`Write::spend_token`].
    pub async fn spend_token(
        &mut self,
        connection: ConnectionId,
        id: &Digest,
        forget_after: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.spend_token(connection, id, forget_after).await
    }
}

impl Source for UnauditedWrite {
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        Source::connection(&mut self.0)
    }

    fn fail(&mut self, error: &StoreError) {
        Source::fail(&mut self.0, error);
    }
}

impl std::fmt::Debug for UnauditedWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("UnauditedWrite").finish_non_exhaustive()
    }
}
