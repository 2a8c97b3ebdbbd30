//! Typed ids of nouns that a service defines for itself.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

use super::{decode, encode, mint};
use crate::{Clock, Entropy, Invalid};

/// A noun that ids belong to.
pub trait Noun {
    /// The text before the `_`: lower-case letters.
    const PREFIX: &'static str;
}

/// The id of a service's own noun, spelled as the ids of this crate: `folder_01jhmpfn80e4…`, a
/// prefix and a UUIDv7 in Crockford base32 (TypeID specification 0.3). The UUID's own spelling is
/// accepted too.
///
/// ```
/// use vestibule_model::id::{IdOf, Noun};
///
/// enum Folder {}
///
/// impl Noun for Folder {
///     const PREFIX: &'static str = "folder";
/// }
///
/// let id: IdOf<Folder> = "01890a5d-ac96-774b-bcce-b302099a8057".parse()?;
/// assert_eq!(id.to_string(), "folder_01h455vb4pex5vsknk084sn02q");
/// assert!("doc_01h455vb4pex5vsknk084sn02q".parse::<IdOf<Folder>>().is_err());
/// # Ok::<(), vestibule_model::Invalid>(())
/// ```
pub struct IdOf<N>(Uuid, PhantomData<fn() -> N>);

impl<N> IdOf<N> {
    /// Returns a new id: sortable by time, unguessable in its last 74 bits.
    pub fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        Self::from_uuid(mint(clock, entropy))
    }

    /// Returns the id with this UUID, as a database holds it.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// Returns the UUID, as a database holds it.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

// Derived, these would ask the same of the noun, which has no values.
impl<N> Clone for IdOf<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for IdOf<N> {}

impl<N> PartialEq for IdOf<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<N> Eq for IdOf<N> {}

impl<N: Noun> fmt::Display for IdOf<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(N::PREFIX)?;
        f.write_str("_")?;
        for letter in encode(self.0) {
            fmt::Write::write_char(f, letter.into())?;
        }
        Ok(())
    }
}

impl<N: Noun> fmt::Debug for IdOf<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<N: Noun> FromStr for IdOf<N> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let uuid = match text.rsplit_once('_') {
            Some((prefix, suffix)) if prefix == N::PREFIX => decode(suffix),
            Some(_) => None,
            None => Uuid::try_parse(text).ok(),
        };
        uuid.map(Self::from_uuid).ok_or_else(|| {
            Invalid::new(
                "invalid_id",
                format!(
                    "must be an id such as {}_01jhmpfn80e48s5s0q7b7cwx5e, or a UUID",
                    N::PREFIX
                ),
            )
        })
    }
}
