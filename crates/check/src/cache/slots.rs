//! The entries of a user, of a key or session and of an organisation, each found without a search:
//! every kept entry has a numbered slot, and slots that belong together are chained, so that an entry
//! costs three pairs of numbers and not three sets.

use std::collections::HashMap;
use std::sync::Arc;

use quick_cache::DefaultHashBuilder;
use uuid::Uuid;
use vestibule_model::Principal;

use super::bounds::Cached;
use super::entry::Entry;

/// The three ways in which entries are chained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chain {
    User,
    /// A key or a session.
    Credential,
    Organization,
}

const CHAINS: [Chain; 3] = [Chain::User, Chain::Credential, Chain::Organization];

impl Chain {
    fn subject(self, principal: &Principal) -> Uuid {
        match self {
            Self::User => principal.user_id.uuid(),
            Self::Credential => principal.credential.uuid(),
            Self::Organization => principal.organization_id.uuid(),
        }
    }
}

/// The end of a chain.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

/// An entry's place, and what the map weighs it with.
#[derive(Debug)]
struct Slot {
    cached: Cached,
    links: [Link; 3],
}

/// All slots and their chains. See the module.
#[derive(Debug, Default)]
pub(super) struct Slots {
    places: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// The latest slot of each chain.
    heads: [HashMap<Uuid, u32, DefaultHashBuilder>; 3],
}

impl Slots {
    /// Returns how many slots there are, used or free.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The entry in the slot of this number.
    pub(super) fn at(&self, number: usize) -> Option<&Arc<Entry>> {
        Some(&self.places.get(number)?.as_ref()?.cached.entry)
    }

    /// The number that the next entry gets.
    pub(super) fn next(&self) -> u32 {
        let new = || u32::try_from(self.places.len()).unwrap_or(NONE);
        self.free.last().copied().unwrap_or_else(new)
    }

    /// Puts an entry that was made for the slot [`Slots::next`] into it.
    pub(super) fn add(&mut self, cached: Cached) {
        let number = cached.entry.slot;
        if self.free.pop().is_none() {
            self.places.push(None);
        }
        let links = CHAINS.map(|chain| {
            let subject = chain.subject(cached.entry.principal());
            let head = self.heads.get_mut(chain as usize);
            let after = head.and_then(|head| head.insert(subject, number));
            if let Some(link) = after.and_then(|after| self.link(after, chain)) {
                link.before = number;
            }
            Link {
                before: NONE,
                after: after.unwrap_or(NONE),
            }
        });
        if let Some(slot) = self.places.get_mut(number as usize) {
            *slot = Some(Slot { cached, links });
        }
    }

    /// Empties the slot of an entry that left the map with this weight; nothing where it did so
    /// before, or where the map holds it with another weight.
    pub(super) fn remove(&mut self, left: &Cached) -> bool {
        let number = left.entry.slot;
        let Some(place) = self.places.get_mut(number as usize) else {
            return false;
        };
        let Some(slot) = place.take_if(|slot| slot.cached == *left) else {
            return false;
        };
        self.free.push(number);
        for (chain, link) in CHAINS.into_iter().zip(slot.links) {
            if let Some(after) = self.link(link.after, chain) {
                after.before = link.before;
            }
            if let Some(before) = self.link(link.before, chain) {
                before.after = link.after;
            } else if let Some(head) = self.heads.get_mut(chain as usize) {
                let subject = chain.subject(left.entry.principal());
                if link.after == NONE {
                    head.remove(&subject);
                } else {
                    head.insert(subject, link.after);
                }
            }
        }
        true
    }

    /// Returns what is kept of a subject, the latest first.
    pub(super) fn of(&self, chain: Chain, subject: Uuid) -> impl Iterator<Item = &Cached> {
        let head = self.heads.get(chain as usize);
        let mut number = head.and_then(|head| head.get(&subject)).copied();
        std::iter::from_fn(move || {
            let slot = self.places.get(number? as usize)?.as_ref()?;
            number = slot.links.get(chain as usize).map(|link| link.after);
            Some(&slot.cached)
        })
    }

    /// Notes that the map will hold an entry with another weight; gives what it is to hold.
    pub(super) fn reweigh(&mut self, entry: &Arc<Entry>, weight: u32) -> Option<Cached> {
        let slot = self.places.get_mut(entry.slot as usize)?.as_mut()?;
        slot.cached.weight = weight;
        slot.cached.pays = true;
        Some(slot.cached.clone())
    }

    /// Returns how many subjects of a kind have entries.
    #[cfg(test)]
    pub(super) fn subjects(&self, chain: Chain) -> usize {
        self.heads[chain as usize].len()
    }

    /// Returns how many entries are found by their subjects.
    #[cfg(test)]
    pub(super) fn found(&self, chain: Chain) -> usize {
        let heads = self.heads[chain as usize].keys();
        heads.map(|subject| self.of(chain, *subject).count()).sum()
    }

    fn link(&mut self, number: u32, chain: Chain) -> Option<&mut Link> {
        let slot = self.places.get_mut(number as usize)?.as_mut()?;
        slot.links.get_mut(chain as usize)
    }
}
