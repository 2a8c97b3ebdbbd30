//! How many bytes of bodies are in memory at once.
//!
//! Whoever sends a body decides how slowly it comes. So all bodies on the way have a room with a
//! bound: one half of it is for known callers, the other for strangers, and neither takes anything
//! of the other's. One caller or address has an eighth of the room at most, and one organisation
//! together a quarter. So it takes four callers from two organisations to keep the other callers'
//! bodies out, and four addresses to keep out other strangers'.
//!
//! The first [`FREE_BYTES`] of each body take nothing of the room: what is short always passes, be
//! the room as full as it may. They are in memory beside it, once for each body on the way, which is
//! once for each connection; how many there are is for whoever accepts them to bound.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vestibule_model::{OrganizationId, UserId};

#[cfg(test)]
mod tests;

/// How much of each body takes nothing of the room.
const FREE_BYTES: usize = 4 * 1024;

/// Who sends a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sender {
    /// Somebody who is known, with all credentials, on behalf of an organisation.
    Known(UserId, OrganizationId),
    /// Somebody who is not, by address or network.
    Stranger(u128),
}

/// Whose bodies have a bound together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Share {
    User(UserId),
    Organization(OrganizationId),
    Callers,
    Address(u128),
    Strangers,
}

impl Share {
    /// How many such shares the room has.
    const fn count(self) -> usize {
        match self {
            Self::User(_) | Self::Address(_) => 8,
            Self::Organization(_) => 4,
            Self::Callers | Self::Strangers => 2,
        }
    }
}

impl Sender {
    /// All shares that the sender's bodies are a part of.
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

/// The room that all bodies share.
#[derive(Debug)]
pub(crate) struct Bodies {
    most: usize,
    taken: Mutex<Taken>,
}

/// What bodies take, in bytes.
#[derive(Debug, Default)]
struct Taken {
    /// Of memory, with what takes nothing of the room.
    memory: usize,
    /// Of the room. No share of which nothing is taken is in it.
    by: HashMap<Share, usize>,
}

impl Bodies {
    /// Room for so many bytes.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// A place for one body, of which nothing is there yet.
    pub(crate) fn place(self: &Arc<Self>, sender: Sender) -> BodyPlace {
        BodyPlace {
            bodies: Arc::clone(self),
            sender,
            bytes: 0,
        }
    }

    /// How many bytes of memory are taken.
    pub(crate) fn taken_bytes(&self) -> usize {
        self.taken().memory
    }

    /// Makes a body longer.
    fn grow(&self, sender: Sender, from: usize, to: usize) -> Result<(), NoRoom> {
        let mut taken = self.taken();
        let more = in_room(to) - in_room(from);
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
        let bytes = in_room(bytes);
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

/// How much of the room a body of so many bytes takes.
const fn in_room(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

/// The place of one body in the room that all bodies share. It grows with the body, and is given
/// back when it is dropped.
#[derive(Debug)]
pub struct BodyPlace {
    bodies: Arc<Bodies>,
    sender: Sender,
    bytes: usize,
}

impl BodyPlace {
    /// Makes room for so many bytes in all.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes > self.bytes {
            self.bodies.grow(self.sender, self.bytes, bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// For how many bytes there is room.
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
