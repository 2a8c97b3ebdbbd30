use proptest::prelude::*;
use rstest::rstest;
use vestibule_model::OsEntropy;

use super::*;
use crate::testing::Predictable;

fn secret() -> PlainSecret {
    mint(
        &Prefix::default(),
        SecretKind::LiveKey,
        &Predictable::from(1),
    )
}

#[test]
fn a_minted_secret_is_read_back_with_its_kind_and_digest() {
    for kind in SecretKind::ALL {
        for prefix in ["ks", "vestibule123"] {
            let prefix: Prefix = prefix.parse().unwrap();
            let secret = mint(&prefix, kind, &OsEntropy);
            let (read_kind, digest) = read(&prefix, secret.expose()).unwrap();
            assert_eq!(read_kind, kind);
            assert_eq!(digest, secret.digest());
        }
    }
}

#[test]
fn a_key_of_the_default_prefix_has_46_characters() {
    let secret = secret();
    assert!(secret.expose().starts_with("ks_live_"));
    assert_eq!(secret.expose().len(), 46);
    assert_eq!(secret.suffix().len(), 4);
    assert!(secret.expose().ends_with(secret.suffix()));
}

#[test]
fn the_checksum_is_crc32_in_base62() {
    // CRC-32/ISO-HDLC of "123456789" is 0xCBF43926 (the catalogue's check value).
    let letters = checksum(b"123456789");
    let value = letters.iter().fold(0_u64, |value, letter| {
        value * 62 + BASE62.iter().position(|b| b == letter).unwrap() as u64
    });
    assert_eq!(value, 0xCBF4_3926);
}

#[test]
fn debug_prints_no_character_of_a_secret() {
    assert_eq!(format!("{:?}", secret()), "PlainSecret(…)");
}

#[test]
fn minting_uses_every_letter_about_equally() {
    let entropy = Predictable::from(7);
    let mut count = [0_u32; 128];
    for _ in 0..2_000 {
        let secret = mint(&Prefix::default(), SecretKind::LiveKey, &entropy);
        for byte in &secret.expose().as_bytes()[8..40] {
            count[usize::from(*byte)] += 1;
        }
    }
    // 64,000 letters over 62: 1,032 each, with a standard deviation of 32.
    for letter in BASE62 {
        let seen = count[usize::from(*letter)];
        assert!((850..1_220).contains(&seen), "{letter}: {seen}");
    }
}

#[test]
fn two_secrets_are_never_the_same() {
    let entropy = Predictable::from(3);
    let prefix = Prefix::default();
    let first = mint(&prefix, SecretKind::Session, &entropy);
    let second = mint(&prefix, SecretKind::Session, &entropy);
    assert_ne!(first.expose(), second.expose());
    assert_ne!(first.digest(), second.digest());
}

#[rstest]
#[case::empty("")]
#[case::another_product("sk_live_0000000000000000000000000000000000000000")]
#[case::prefix_alone("ks")]
#[case::upper_case("KS_live_00000000000000000000000000000000000000")]
#[case::a_token("eyJhbGciOiJFZERTQSJ9.e30.AAAA")]
#[case::space_first(" ks_live_00000000000000000000000000000000000000")]
#[case::longer_prefix("kss_live_00000000000000000000000000000000000000")]
fn what_does_not_begin_with_the_prefix_is_not_framed(#[case] text: &str) {
    assert_eq!(
        read(&Prefix::default(), text).unwrap_err(),
        FrameError::NotFramed
    );
}

#[rstest]
#[case::nothing_after("ks_")]
#[case::no_body("ks_live")]
#[case::empty_body("ks_live_")]
#[case::unknown_kind("ks_prod_00000000000000000000000000000000000000")]
#[case::kind_in_capitals("ks_LIVE_00000000000000000000000000000000000000")]
#[case::empty_kind("ks__00000000000000000000000000000000000000")]
#[case::one_too_few("ks_live_0000000000000000000000000000000000000")]
#[case::one_too_many("ks_live_000000000000000000000000000000000000000")]
#[case::underscore("ks_live_0000000000000000_000000000000000000000")]
#[case::line_break("ks_live_0000000000000000000000000000000000000\n")]
#[case::not_ascii("ks_live_ééééééééééééééééééé")]
fn other_shapes_are_malformed(#[case] text: &str) {
    assert_eq!(
        read(&Prefix::default(), text).unwrap_err(),
        FrameError::Malformed
    );
}

#[rstest]
#[case("k")]
#[case("")]
#[case("1ks")]
#[case("Ks")]
#[case("k_s")]
#[case("kéé")]
#[case("abcdefghijklm")]
fn only_short_lower_case_words_are_prefixes(#[case] text: &str) {
    assert_eq!(text.parse::<Prefix>().unwrap_err().reason, "invalid_prefix");
}

#[test]
fn a_secret_of_another_prefix_is_not_ours() {
    let other: Prefix = "acme".parse().unwrap();
    assert_eq!(
        read(&other, secret().expose()).unwrap_err(),
        FrameError::NotFramed
    );
}

proptest! {
    #[test]
    fn any_one_changed_character_is_noticed(seed: u64, at in 0_usize..46, to in "[0-9A-Za-z]") {
        let secret = mint(&Prefix::default(), SecretKind::LiveKey, &Predictable::from(seed));
        let mut changed = secret.expose().to_owned();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != secret.expose());
        prop_assert!(read(&Prefix::default(), &changed).is_err());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(ks_(live|test|sess)?_?)?.*") {
        let _ = read(&Prefix::default(), &text);
    }

    #[test]
    fn what_is_read_has_exactly_one_spelling(seed: u64) {
        let secret = mint(&Prefix::default(), SecretKind::Session, &Predictable::from(seed));
        let (_, digest) = read(&Prefix::default(), secret.expose()).unwrap();
        prop_assert_eq!(digest, Digest::of(secret.expose().as_bytes()));
    }
}
