//! JSON bodies, read into types such as the routes have: what is refused is refused with a 4xx that
//! names what to mend, what is accepted means one thing.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use vestibule_http::body::UniqueMap;
use vestibule_http::{ErrorFormat, Problem, body};
use vestibule_model::{
    Capability, Email, Name, OrganizationId, ResourcePath, Role, Timestamp, UserId,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: Name,
    expires_at: Option<Timestamp>,
    grants: Option<Vec<NewGrant>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGrant {
    path: ResourcePath,
    capability: Capability,
    #[serde(default)]
    can_approve: bool,
    user_id: Option<UserId>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Switch {
    organization_id: OrganizationId,
    email: Option<Email>,
    role: Option<Role>,
    seats: Option<u32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    role_by_group: Option<UniqueMap<String, Role>>,
    groups_by_group: UniqueMap<String, Vec<UserId>>,
}

fuzz_target!(|data: &[u8]| {
    read::<NewKey>(data);
    read::<NewGrant>(data);
    read::<Switch>(data);
    read::<Mapping>(data);
    read::<Vec<NewGrant>>(data);
});

fn read<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(data: &[u8]) {
    match body::parse::<T>(data) {
        Ok(value) => {
            let written = serde_json::to_vec(&value).expect("what was read can be written");
            let again = body::parse::<T>(&written).expect("what we write, we read");
            assert_eq!(again, value);
            serde_json::from_slice::<Unique>(data).expect("one value, every name once");
        }
        Err(problem) => refused(&problem),
    }
}

/// JSON in which no object has a name twice, read by nothing of ours.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
        while list.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Unique, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Unique)) = object.next_entry::<String, Unique>()? {
            if !names.insert(name) {
                return Err(serde::de::Error::custom("a name stands there twice"));
            }
        }
        Ok(Unique)
    }
}

fn refused(problem: &Problem) {
    for format in [ErrorFormat::ProblemJson, ErrorFormat::ErrorJson] {
        assert!(problem.status(format).is_client_error());
        let answer = problem.render(format, None);
        assert_eq!(answer.status(), problem.status(format));
        assert!(answer.headers().contains_key("content-type"));
    }
    let reason = problem.reason();
    assert!(!reason.is_empty());
    assert!(
        reason
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
        "{reason}"
    );
}
