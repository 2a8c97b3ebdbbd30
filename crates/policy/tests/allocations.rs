//! What allows does not allocate.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for no test"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use vestibule_model::{Capability, CredentialRef, HeldGrant, Plan, Principal, Role};
use vestibule_policy::target::canonical;
use vestibule_policy::{Accepts, Found, LimitPer, LimitSpec, Rule, RuleTable, decide};

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(number: u32) -> T {
    format!("{number:032x}").parse().unwrap()
}

fn grant(path: &str) -> HeldGrant {
    HeldGrant {
        id: id(1),
        through: None,
        path: path.parse().unwrap(),
        capability: Capability::ReadWrite,
        can_approve: false,
    }
}

fn principal() -> Principal {
    Principal {
        user_id: id(2),
        organization_id: id(3),
        role: Role::User,
        home: "/users/abc".parse().unwrap(),
        grants: (0..50)
            .map(|n| grant(&format!("/shared/f{n}")))
            .chain([grant("/shared/eng")])
            .collect(),
        narrowed_to: Some([grant("/shared")].into()),
        plan: Arc::new(Plan {
            name: "team".parse().unwrap(),
            features: ["agents".to_owned()].into(),
            seats: None,
            limits: BTreeMap::new(),
        }),
        credential: CredentialRef::ApiKey(id(4)),
        expires_at: None,
    }
}

fn table() -> RuleTable {
    let limit = LimitSpec {
        name: "files".into(),
        per: LimitPer::User,
        count: NonZeroU32::MIN,
        window: Duration::from_mins(1),
    };
    let rule = Rule::signed_in()
        .bearer_only()
        .feature("agents")
        .limit(limit);
    let files = rule
        .clone()
        .capability(Capability::ReadWrite, "/shared/{team}/{rest}");
    RuleTable::builder()
        .add("GET", "/v1/api-keys", Accepts::Bearer, rule.clone())
        .and_then(|table| table.add("GET", "/v1/api-keys/{id}", Accepts::Bearer, rule))
        .and_then(|table| table.add("PUT", "/files/{team}/{*rest}", Accepts::Bearer, files))
        .unwrap()
        .build()
}

#[test]
fn what_allows_does_not_allocate() {
    let (table, principal) = (table(), principal());
    for (method, path) in [
        ("GET", "/v1/api-keys"),
        ("HEAD", "/v1/api-keys/key_01jhmpfn80e48s5s0q7b7cwx5e"),
        ("PUT", "/files/eng/a%20b/%C3%A4"),
    ] {
        let allocated = allocation_counter::measure(|| {
            assert_eq!(canonical(black_box(path)), Ok(()));
            let Found::Rule { rule, params, .. } = table.find(method, path) else {
                panic!("{path} is not in the table");
            };
            assert_eq!(rule.limits().len(), 1);
            assert_eq!(decide(rule, black_box(&principal), &params), Ok(()));
        });
        assert_eq!(allocated.count_total, 0, "{method} {path}");
    }
    let allocated = allocation_counter::measure(|| {
        assert!(matches!(
            table.find("PUT", "/v1/api-keys"),
            Found::OtherMethod { .. }
        ));
        assert!(matches!(table.find("GET", "/v1/unknown"), Found::Nothing));
    });
    assert_eq!(allocated.count_total, 0);
}
