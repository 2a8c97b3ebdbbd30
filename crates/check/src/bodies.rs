//! How many bytes of bodies are in memory at once.
//!
//! Whoever sends a body decides how slowly it comes. So all bodies on the way have one bound
//! together, and within it nobody keeps out the others: one caller has a quarter of it at most, and
//! strangers have half of it together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

#[cfg(test)]
mod tests;

/// How many callers it takes to fill the room.
const CALLERS: usize = 4;
/// The part of it that strangers may fill is one in so many.
const STRANGERS: usize = 2;

/// Who sends a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sender {
    /// Somebody who is known, with all credentials.
    User(Uuid),
    /// Somebody who is not, by address or network.
    Stranger(u128),
}

/// The room that all bodies share.
#[derive(Debug)]
pub(crate) struct Bodies {
    most: usize,
    taken: Mutex<Taken>,
}

/// What is taken of it, in bytes.
#[derive(Debug, Default)]
struct Taken {
    by_all: usize,
    by_strangers: usize,
    /// Nobody who takes nothing is in it.
    by: HashMap<Sender, usize>,
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

    /// How many bytes are taken.
    pub(crate) fn taken_bytes(&self) -> usize {
        self.taken().by_all
    }

    fn take(&self, sender: Sender, bytes: usize) -> Result<(), NoRoom> {
        let mut taken = self.taken();
        let is_stranger = matches!(sender, Sender::Stranger(_));
        let by_sender = taken.by.get(&sender).copied().unwrap_or(0);
        let fits = |already: usize, most: usize| bytes <= most.saturating_sub(already);
        if !fits(taken.by_all, self.most)
            || !fits(by_sender, self.most / CALLERS)
            || (is_stranger && !fits(taken.by_strangers, self.most / STRANGERS))
        {
            return Err(NoRoom);
        }
        taken.by_all += bytes;
        if is_stranger {
            taken.by_strangers += bytes;
        }
        taken.by.insert(sender, by_sender + bytes);
        Ok(())
    }

    fn give_back(&self, sender: Sender, bytes: usize) {
        let mut taken = self.taken();
        taken.by_all -= bytes;
        if matches!(sender, Sender::Stranger(_)) {
            taken.by_strangers -= bytes;
        }
        if let Some(by_sender) = taken.by.get_mut(&sender) {
            *by_sender -= bytes;
            if *by_sender == 0 {
                taken.by.remove(&sender);
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 {
            self.bodies.take(self.sender, more)?;
            self.bytes += more;
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

/// There are as many bytes of bodies in memory as may be, of all senders or of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bytes of bodies are on their way")]
pub struct NoRoom;
