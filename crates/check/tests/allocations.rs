//! A request whose credential is known is judged without allocating.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use vestibule_check::{Core, CoreParts, MemoryDirectory, OwnOrigin, RequestHead};
use vestibule_credential::frame::{Prefix, SecretKind, mint};
use vestibule_model::{Capability, OsEntropy, Role};
use vestibule_policy::{Accepts, LimitPer, LimitSpec, Rule, RuleTable};

#[tokio::test]
async fn a_known_key_is_judged_without_an_allocation() {
    let rule = Rule::signed_in()
        .role(Role::User)
        .capability(Capability::ReadOnly, "/shared/{id}")
        .limit(LimitSpec {
            name: "things".into(),
            per: LimitPer::User,
            count: NonZeroU32::MAX,
            window: Duration::from_mins(1),
        });
    let table = RuleTable::builder()
        .add("GET", "/v1/things/{id}", Accepts::Bearer, rule)
        .unwrap()
        .build();
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let check = Core::new(CoreParts::new(Arc::new(directory))).entry_point(table, origin);

    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", key.expose());
    headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    let request_id = HeaderValue::from_static("0123456789abcdef");
    let head = RequestHead {
        method: &Method::GET,
        path: "/v1/things/42",
        headers: &headers,
        has_body: false,
        address: Some("127.0.0.1".parse().unwrap()),
        request_id: Some(&request_id),
    };
    check.check(&head).await.unwrap();
    check.check_known(&head).unwrap().unwrap();

    let allocated = allocation_counter::measure(|| {
        for _ in 0..100 {
            assert!(black_box(check.check_known(&head)).is_some_and(|verdict| verdict.is_ok()));
        }
    });
    assert_eq!(allocated.count_total, 0);
}
