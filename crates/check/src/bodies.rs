//! The bound on the bytes of bodies that are in memory at once.
//!
//! The sender of a body decides how slowly it arrives. So all bodies in flight share a budget: one
//! half of it is for known callers, the other for strangers, and neither takes anything of the
//! other's. One caller or address has an eighth of the budget at most, and one organisation a
//! quarter in all. So it takes four callers from two organisations to keep the other callers' bodies
//! out, and four addresses to keep out other strangers'.
//!
//! The first [`FREE_BYTES`] of each body are not charged: a short body always passes, however full
//! the budget is. They are in memory beside it, once for each body in flight, which is once for each
//! connection; the listener bounds the number of those.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vestibule_model::{OrganizationId, UserId};

#[cfg(test)]
mod tests;

/// The bytes of each body that are not charged to the budget.
const FREE_BYTES: usize = 4 * 1024;

/// The sender of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sender {
    /// A known user, with all credentials, on behalf of an organisation.
    Known(UserId, OrganizationId),
    /// A stranger, by address or network.
    Stranger(u128),
}

/// A group of senders whose bodies have one bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Share {
    User(UserId),
    Organization(OrganizationId),
    Callers,
    Address(u128),
    Strangers,
}

impl Share {
    /// Returns the part of the budget that such a share has at most: one in this many.
    const fn count(self) -> usize {
        match self {
            Self::User(_) | Self::Address(_) => 8,
            Self::Organization(_) => 4,
            Self::Callers | Self::Strangers => 2,
        }
    }
}

impl Sender {
    /// Returns all shares that the sender's bodies are charged to.
    fn shares(self) -> impl Iterator<Item = Share> {
        let (own, wider, half) = match self {
            Self::Known(user, organization) => (
                Share::User(user),
                Some(Share::Organization(organization)),
                Share::Callers,
            ),
            Self::Stranger(network) => (Share::Address(network), None, Share::Strangers),
        };
        [own, half].into_iter().chain(wider)
    }
}

/// The budget that all bodies share.
#[derive(Debug)]
pub(crate) struct Bodies {
    most: usize,
    taken: Mutex<Taken>,
}

/// The bytes in use.
#[derive(Debug, Default)]
struct Taken {
    /// Of memory, those that are not charged included.
    memory: usize,
    /// Of the budget, by share. A share of which nothing is in use is not in it.
    by: HashMap<Share, usize>,
}

impl Bodies {
    /// Returns an unused budget of so many bytes.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// Returns a place for one body, of which nothing has arrived yet.
    pub(crate) fn place(self: &Arc<Self>, sender: Sender) -> BodyPlace {
        BodyPlace {
            bodies: Arc::clone(self),
            sender,
            bytes: 0,
        }
    }

    /// Returns the bytes of memory in use.
    pub(crate) fn taken_bytes(&self) -> usize {
        self.taken().memory
    }

    /// Makes a body longer.
    fn grow(&self, sender: Sender, from: usize, to: usize) -> Result<(), NoRoom> {
        let mut taken = self.taken();
        let more = charged(to) - charged(from);
        if more > 0 {
            let fits = |share| {
                let already = taken.by.get(&share).copied().unwrap_or(0);
                more <= (self.most / share.count()).saturating_sub(already)
            };
            if !sender.shares().all(fits) {
                return Err(NoRoom);
            }
            for share in sender.shares() {
                *taken.by.entry(share).or_default() += more;
            }
        }
        taken.memory += to - from;
        Ok(())
    }

    fn give_back(&self, sender: Sender, bytes: usize) {
        let mut taken = self.taken();
        taken.memory -= bytes;
        let bytes = charged(bytes);
        if bytes > 0 {
            for share in sender.shares() {
                if let Some(by_share) = taken.by.get_mut(&share) {
                    *by_share -= bytes;
                    if *by_share == 0 {
                        taken.by.remove(&share);
                    }
                }
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the part of a body of so many bytes that is charged to the budget.
const fn charged(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

/// The place of one body in the budget that all bodies share. It grows with the body, and is given
/// back when it is dropped.
#[derive(Debug)]
pub struct BodyPlace {
    bodies: Arc<Bodies>,
    sender: Sender,
    bytes: usize,
}

impl BodyPlace {
    /// Grows the place to so many bytes in all.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes > self.bytes {
            self.bodies.grow(self.sender, self.bytes, bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Returns the bytes that it has grown to.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for BodyPlace {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.bodies.give_back(self.sender, self.bytes);
        }
    }
}

/// There are as many bytes of bodies in memory as may be, of this sender or of others with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bytes of bodies are on their way")]
pub struct NoRoom;
