//! Ids of our own nouns, spelled as Vestibule spells its own: `folder_01jhmpfn80e4…`, a prefix and
//! a UUIDv7 in Crockford base32 (TypeID specification 0.3). The UUID's own spelling is accepted
//! too.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;
use vestibule_layer::model::{Clock, Entropy, Invalid};

/// What an id is the id of.
pub(crate) trait Noun {
    /// What stands before the `_`.
    const PREFIX: &'static str;
}

macro_rules! nouns {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {}

        impl Noun for $name {
            const PREFIX: &'static str = $prefix;
        }
    )*};
}

nouns! {
    /// A folder of the tree.
    Folder = "folder";
    /// A document of the tree.
    Document = "doc";
    /// A version of a document's text.
    DocumentVersion = "version";
    /// A conversation with an agent.
    AgentSession = "agent";
    /// One event of a conversation.
    AgentEvent = "event";
}

/// The id of a noun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id<N>(Uuid, PhantomData<N>);

impl<N> Id<N> {
    pub(crate) const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    pub(crate) const fn uuid(self) -> Uuid {
        self.0
    }
}

/// A new UUIDv7: sortable by time, unguessable in its last 74 bits.
pub(crate) fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(clock.now().as_micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH: usize = 26;

impl<N: Noun> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_", N::PREFIX)?;
        let bits = self.0.as_u128();
        for place in (0..SUFFIX_LENGTH).rev() {
            let digit = (bits >> (5 * place)) & 31;
            fmt::Write::write_char(f, ALPHABET[digit as usize].into())?;
        }
        Ok(())
    }
}

impl<N: Noun> FromStr for Id<N> {
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

fn decode(suffix: &str) -> Option<Uuid> {
    let bytes = suffix.as_bytes();
    // 26 characters hold 130 bits; the first may only use three of its five.
    if bytes.len() != SUFFIX_LENGTH || bytes[0] > b'7' {
        return None;
    }
    bytes
        .iter()
        .try_fold(0_u128, |bits, byte| {
            let digit = ALPHABET.iter().position(|letter| letter == byte)?;
            Some(bits << 5 | digit as u128)
        })
        .map(Uuid::from_u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_an_id_are_the_same_id() {
        let typed = "folder_01h455vb4pex5vsknk084sn02q";
        let plain = "01890a5d-ac96-774b-bcce-b302099a8057";
        let id: Id<Folder> = typed.parse().unwrap();
        assert_eq!(id, plain.parse().unwrap());
        assert_eq!(id.to_string(), typed);
        assert_eq!(id.uuid().to_string(), plain);
    }

    #[test]
    fn an_id_of_something_else_is_refused() {
        for text in [
            "doc_01h455vb4pex5vsknk084sn02q",
            "folder_01h455vb4pex5vsknk084sn02",
            "folder_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "folder_01H455VB4PEX5VSKNK084SN02Q",
            "01h455vb4pex5vsknk084sn02q",
            "",
        ] {
            assert_eq!(text.parse::<Id<Folder>>().unwrap_err().reason, "invalid_id");
        }
    }
}
