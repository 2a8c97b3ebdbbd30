//! Typed ids in the TypeID spelling.
//!
//! An id is a UUIDv7 with a type: `key_01jhmpfn80e4…` (TypeID specification 0.3: a prefix, `_`,
//! and 26 characters of Crockford base32 in lower case). Both that spelling and the UUID's own
//! are accepted wherever an id comes in; the TypeID goes out.

mod of;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

pub use self::of::{IdOf, Noun};
use crate::{Clock, Entropy, Invalid};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH: usize = 26;

#[expect(
    clippy::indexing_slicing,
    reason = "five bits are always the index of one of 32 letters"
)]
fn encode(uuid: Uuid) -> [u8; SUFFIX_LENGTH] {
    let mut bits = uuid.as_u128();
    let mut out = [0; SUFFIX_LENGTH];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    out
}

fn decode(suffix: &str) -> Option<Uuid> {
    let bytes = suffix.as_bytes();
    // 26 characters hold 130 bits; the first may only use three of its five.
    if bytes.len() != SUFFIX_LENGTH || bytes.first().is_some_and(|first| *first > b'7') {
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

fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(clock.now().as_micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of this kind of id, without the `_`.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: sortable by time, unguessable in its last 74 bits.
            pub fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                Self(mint(clock, entropy))
            }

            /// The id with this UUID, as the store holds it.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, as the store holds it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::PREFIX)?;
                f.write_str("_")?;
                for letter in encode(self.0) {
                    fmt::Write::write_char(f, letter.into())?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let parsed = match text.rsplit_once('_') {
                    Some((Self::PREFIX, suffix)) => decode(suffix),
                    Some(_) => None,
                    None => Uuid::try_parse(text).ok(),
                };
                parsed.map(Self).ok_or_else(|| {
                    Invalid::new(
                        "invalid_id",
                        concat!("must be an id such as ", $prefix, "_01jhmpfn80e48s5s0q7b7cwx5e, or a UUID"),
                    )
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A person.
    UserId = "user";
    /// An isolated workspace, which `/v1` calls a tenant.
    OrganizationId = "tenant";
    /// An API key. Not the secret: the secret is in nobody's hands but its holder's.
    ApiKeyId = "key";
    /// One sign-in of one user.
    SessionId = "session";
    /// Named members of an organisation.
    GroupId = "group";
    /// One capability on one path for one holder.
    GrantId = "grant";
    /// One record of the audit log.
    AuditId = "audit";
    /// One signing key of the keyring; its text is the `kid` of a token's header.
    SigningKeyId = "jwk";
    /// A connection to an identity provider.
    ConnectionId = "connection";
    /// An e-mail domain of an organisation.
    DomainId = "domain";
    /// A redirect URI that an organisation has registered.
    RedirectUriId = "redirect";
    /// One try to sign in through a connection.
    AttemptId = "attempt";
    /// A change of a resource that its grants have yet to follow.
    ResourceChangeId = "change";
}

/// The bits of an id below its time.
const BELOW_TIME: u32 = 80;

impl AuditId {
    /// Returns an id that comes after `last`: this one, or one with its random bits a millisecond
    /// after `last`.
    #[must_use]
    pub fn following(self, last: Self) -> Self {
        if self > last {
            return self;
        }
        // A millisecond later, and not the next number: the random bits below the time stay unguessable.
        let millis = (last.0.as_u128() >> BELOW_TIME).saturating_add(1);
        let random = self.0.as_u128() & ((1 << BELOW_TIME) - 1);
        // At the end of what 48 bits hold, in the year 10889, there is no later time.
        Self(Uuid::from_u128(
            millis.min((1 << 48) - 1) << BELOW_TIME | random,
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    // The valid vectors of the TypeID specification 0.3, of which only the suffix concerns us.
    #[rstest]
    #[case("00000000000000000000000000", "00000000-0000-0000-0000-000000000000")]
    #[case("00000000000000000000000001", "00000000-0000-0000-0000-000000000001")]
    #[case("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a")]
    #[case("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010")]
    #[case("00000000000000000000000010", "00000000-0000-0000-0000-000000000020")]
    #[case("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff")]
    #[case("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19")]
    #[case("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057")]
    fn the_specification_s_valid_vectors_are_read_and_written(
        #[case] suffix: &str,
        #[case] uuid: Uuid,
    ) {
        let id = UserId::from_uuid(uuid);
        assert_eq!(id.to_string(), format!("user_{suffix}"));
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
    }

    #[rstest]
    #[case::another_kind("key_01h455vb4pex5vsknk084sn02q")]
    #[case::no_prefix("_01h455vb4pex5vsknk084sn02q")]
    #[case::suffix_alone("01h455vb4pex5vsknk084sn02q")]
    #[case::upper_case_prefix("USER_01h455vb4pex5vsknk084sn02q")]
    #[case::upper_case_suffix("user_01H455VB4PEX5VSKNK084SN02Q")]
    #[case::too_short("user_01h455vb4pex5vsknk084sn02")]
    #[case::too_long("user_01h455vb4pex5vsknk084sn02q1")]
    #[case::overflow("user_8zzzzzzzzzzzzzzzzzzzzzzzzz")]
    #[case::spaces(" user_01h455vb4pex5vsknk084sn02q")]
    #[case::ambiguous_letters("user_01h455vb4pex5vsknk084sn0io")]
    #[case::hyphens("user_0123456789-0123456789-01234")]
    #[case::empty("")]
    fn other_spellings_are_refused(#[case] text: &str) {
        assert_eq!(text.parse::<UserId>().unwrap_err().reason, "invalid_id");
    }

    #[test]
    fn the_uuid_spelling_is_accepted_too() {
        let id: UserId = "01890A5D-AC96-774B-BCCE-B302099A8057".parse().unwrap();
        assert_eq!(id.to_string(), "user_01h455vb4pex5vsknk084sn02q");
        assert_eq!(
            "01890a5dac96774bbcceb302099a8057"
                .parse::<UserId>()
                .unwrap(),
            id
        );
    }

    #[test]
    fn a_minted_id_begins_with_the_time_it_was_minted() {
        let clock = crate::clock::ManualClock::new(crate::Timestamp::from_seconds(1_736_935_200));
        let id = UserId::mint(&clock, &crate::OsEntropy);
        assert!(id.to_string().starts_with("user_01jhmpf"), "{id}");
        assert_eq!(id.uuid().get_version_num(), 7);
    }

    #[test]
    fn an_id_of_a_clock_that_went_back_still_follows_the_last() {
        let clock = crate::clock::ManualClock::new(crate::Timestamp::from_seconds(1_736_935_200));
        let mint = || AuditId::mint(&clock, &crate::OsEntropy);
        let early = mint();
        clock.advance(std::time::Duration::from_secs(3_600));
        let last = mint();
        assert_eq!(last.following(early), last);
        let next = early.following(last);
        assert!(next > last, "{next} {last}");
        assert_eq!(next.uuid().get_version_num(), 7);
        assert!(last.following(last) > last);
        let end = AuditId::from_uuid(Uuid::max());
        assert!(early.following(end) > last);
    }

    proptest! {
        #[test]
        fn every_id_survives_the_round_trip(bits: u128) {
            let id = ApiKeyId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<ApiKeyId>().unwrap(), id);
            prop_assert_eq!(id.uuid().to_string().parse::<ApiKeyId>().unwrap(), id);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = text.parse::<ApiKeyId>();
        }
    }
}
