//! Whom the provider vouches for: a few invented people, and whoever one types.

use serde_json::{Value, json};
use vestibule_model::{Digest, Email};

use super::key::encode;

/// Somebody invented.
pub(super) struct Person {
    pub(super) email: &'static str,
    pub(super) name: &'static str,
    /// The case that signing in as this person shows.
    pub(super) shows: &'static str,
    verified: bool,
    groups: &'static [&'static str],
}

/// The people on the page.
pub(super) const PEOPLE: &[Person] = &[
    Person {
        email: "cleo@example.com",
        name: "Cleo Example",
        shows: "is new: an account is made at sign-in",
        verified: true,
        groups: &["engineers"],
    },
    Person {
        email: "bob@example.com",
        name: "Bob Example",
        shows: "has an account, which is found by its address",
        verified: true,
        groups: &["sales"],
    },
    Person {
        email: "mallory@example.com",
        name: "Mallory Example",
        shows: "has not proved the address, and is refused",
        verified: false,
        groups: &[],
    },
    Person {
        email: "eve@elsewhere.example",
        name: "Eve Elsewhere",
        shows: "is of a domain that is not the organisation's, and is refused",
        verified: true,
        groups: &[],
    },
];

/// Returns the subject of the person with an address.
pub(super) fn subject(email: &Email) -> String {
    let digest = Digest::of(email.as_str().as_bytes());
    encode(&digest.as_bytes()[..16])
}

/// Returns the claims about that person.
pub(super) fn claims(email: &Email) -> Value {
    let known = PEOPLE.iter().find(|it| it.email == email.as_str());
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = known.map_or(local, |it| it.name);
    let (given, family) = name.split_once(' ').unwrap_or((name, ""));
    let mut claims = json!({
        "sub": subject(email),
        "email": email.as_str(),
        "email_verified": known.is_none_or(|it| it.verified),
        "name": name,
        "given_name": given,
        "groups": known.map_or(&[][..], |it| it.groups),
    });
    if !family.is_empty() {
        claims["family_name"] = json!(family);
    }
    claims
}
