//! Reading a presented secret does not allocate: every request does it.

use std::hint::black_box;

use vestibule_credential::token::looks_like_token;
use vestibule_credential::{Prefix, SecretKind, frame};
use vestibule_model::OsEntropy;

#[test]
fn reading_a_secret_allocates_nothing() {
    let prefix = Prefix::default();
    let secret = frame::mint(&prefix, SecretKind::LiveKey, &OsEntropy);
    let wrong = secret.expose().replacen('e', "é", 1);
    // Once before: what a library sets up at its first use is not what a request costs.
    let _ = frame::read(&prefix, secret.expose());
    let counted = allocation_counter::measure(|| {
        for text in [secret.expose(), &wrong, "ks_live_", "eyJ..", ""] {
            let _ = black_box(frame::read(&prefix, black_box(text)));
            black_box(looks_like_token(black_box(text)));
        }
    });
    assert_eq!(counted.count_total, 0);
}
