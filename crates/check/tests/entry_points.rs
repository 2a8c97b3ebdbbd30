//! Entry points of one core share callers and limits, and their rules are replaced at run time.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method};
use vestibule_check::{
    Cause, Core, CoreParts, Directory, EntryPoint, MemoryDirectory, OwnOrigin, RequestHead,
    Unresolved, Verdict,
};
use vestibule_credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_credential::token::Verified;
use vestibule_model::{ApiKeyId, Change, CredentialRef, Digest, OsEntropy, Principal, SystemClock};
use vestibule_policy::{Accepts, LimitPer, LimitSpec, Rule, RuleTable};

/// A directory that counts the questions it is asked.
struct Counting(MemoryDirectory, AtomicUsize);

impl Directory for Counting {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.api_key(key)
    }

    fn session_cookie<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }

    fn access_token<'a>(&'a self, _: &'a Verified) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }
}

/// A core and the two keys of its one user.
struct Fixture {
    core: Core,
    directory: Arc<Counting>,
    user: Principal,
    keys: [PlainSecret; 2],
}

async fn fixture() -> Fixture {
    let keys = [(); 2].map(|()| mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy));
    let directory = MemoryDirectory::with_owner_key(&keys[0].digest());
    let user = directory.api_key(&keys[0].digest()).await.unwrap();
    let second = Principal {
        credential: CredentialRef::ApiKey(ApiKeyId::mint(&SystemClock, &OsEntropy)),
        ..user.clone()
    };
    let directory = directory.with(&keys[1].digest(), second);
    let directory = Arc::new(Counting(directory, AtomicUsize::new(0)));
    Fixture {
        core: Core::new(CoreParts::new(Arc::clone(&directory) as Arc<dyn Directory>)),
        directory,
        user,
        keys,
    }
}

impl Fixture {
    fn entry_point(&self, table: RuleTable) -> EntryPoint {
        let origin = "https://app.example.com".parse::<OwnOrigin>().unwrap();
        self.core.entry_point(table, origin)
    }

    fn headers(&self, key: usize) -> HeaderMap {
        let bearer = format!("Bearer {}", self.keys[key].expose());
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&bearer).unwrap());
        headers
    }

    async fn ask(&self, entry_point: &EntryPoint, path: &str, key: usize) -> Verdict {
        let headers = self.headers(key);
        let head = head(&headers, path);
        match entry_point.check_known(&head) {
            Some(verdict) => verdict,
            None => entry_point.check(&head).await,
        }
    }

    /// Returns the number of requests that pass before one is limited, of at most 20.
    async fn passes(&self, entry_point: &EntryPoint, path: &str) -> usize {
        for number in 0..20 {
            match self.ask(entry_point, path, 0).await {
                Ok(_) => {}
                Err(denial) if matches!(denial.cause, Cause::Limited(_)) => return number,
                Err(denial) => panic!("{denial:?}"),
            }
        }
        20
    }
}

fn head<'a>(headers: &'a HeaderMap, path: &'a str) -> RequestHead<'a> {
    RequestHead {
        method: &Method::GET,
        path,
        headers,
        has_body: false,
        address: None,
        request_id: None,
    }
}

/// A table of paths, each with a limit of so many requests an hour where a number is given. The
/// limit's name comes from the heap, as from a file.
fn table(routes: &[(&str, &str, u32)]) -> RuleTable {
    let mut table = RuleTable::builder();
    for (path, name, count) in routes {
        let rule = match NonZeroU32::new(*count) {
            None => Rule::signed_in(),
            Some(count) => Rule::signed_in().limit(LimitSpec {
                name: (*name).to_owned().into(),
                per: LimitPer::User,
                count,
                window: Duration::from_hours(1),
            }),
        };
        table = table.add("GET", path, Accepts::Bearer, rule).unwrap();
    }
    table.build()
}

#[tokio::test]
async fn entry_points_that_name_the_same_limit_share_its_allowance() {
    let fixture = fixture().await;
    let one = fixture.entry_point(table(&[("/one", "reports", 5), ("/own", "own", 5)]));
    let other = fixture.entry_point(table(&[("/other", "reports", 5), ("/own", "another", 5)]));
    fixture.ask(&one, "/one", 0).await.unwrap();
    fixture.ask(&one, "/one", 1).await.unwrap();
    assert_eq!(fixture.passes(&other, "/other").await, 3);
    assert_eq!(fixture.passes(&one, "/one").await, 0);
    // Under other names they are apart.
    assert_eq!(fixture.passes(&one, "/own").await, 5);
    assert_eq!(fixture.passes(&other, "/own").await, 5);
}

#[tokio::test]
async fn a_second_entry_point_does_not_ask_the_directory_for_a_caller_of_the_first() {
    let fixture = fixture().await;
    let one = fixture.entry_point(table(&[("/one", "", 0)]));
    let other = fixture.entry_point(table(&[("/other", "", 0)]));
    fixture.ask(&one, "/one", 0).await.unwrap();
    fixture.ask(&other, "/other", 0).await.unwrap();
    assert_eq!(fixture.directory.1.load(Ordering::SeqCst), 1);
    // A change holds at both.
    fixture.core.apply(Change::User(fixture.user.user_id));
    let headers = fixture.headers(0);
    assert!(other.check_known(&head(&headers, "/other")).is_none());
}

#[tokio::test]
async fn a_replacement_keeps_the_use_of_unchanged_limits_and_charges_it_to_no_other() {
    let fixture = fixture().await;
    let entry_point = fixture.entry_point(table(&[("/a", "a", 5), ("/b", "b", 5), ("/c", "c", 5)]));
    for path in ["/a", "/a", "/b", "/b", "/c", "/c"] {
        fixture.ask(&entry_point, path, 0).await.unwrap();
    }
    // Another order and other numbers: `a` is gone, `b` stays, `c` has another count, `d` is new.
    entry_point.replace_rules(table(&[("/d", "d", 5), ("/c", "c", 6), ("/b", "b", 5)]));
    assert_eq!(fixture.passes(&entry_point, "/b").await, 3, "unchanged");
    assert_eq!(fixture.passes(&entry_point, "/c").await, 6, "changed");
    assert_eq!(fixture.passes(&entry_point, "/d").await, 5, "new");
    // The identity that was remembered before is still used.
    assert_eq!(fixture.directory.1.load(Ordering::SeqCst), 1);
    let denial = fixture.ask(&entry_point, "/a", 0).await.unwrap_err();
    assert_eq!(denial.cause.reason(), "no_such_route");
    // What was used of `a` was used of a limit that is gone, whose place another may have by now.
    entry_point.replace_rules(table(&[("/a", "a", 5), ("/e", "e", 5), ("/f", "f", 5)]));
    for path in ["/a", "/e", "/f"] {
        assert_eq!(fixture.passes(&entry_point, path).await, 5, "{path}");
    }
}

#[tokio::test]
async fn a_limit_that_comes_later_counts_callers_who_were_remembered_before_it() {
    let fixture = fixture().await;
    let entry_point = fixture.entry_point(table(&[("/a", "", 0)]));
    for key in [0, 1] {
        fixture.ask(&entry_point, "/a", key).await.unwrap();
    }
    let many: Vec<_> = (0..40)
        .map(|n| (format!("/{n}"), format!("l{n}")))
        .collect();
    let routes: Vec<_> = many
        .iter()
        .map(|(path, name)| (&**path, &**name, 5))
        .collect();
    entry_point.replace_rules(table(&routes));
    for (path, _, _) in &routes {
        // Both keys are the one user's.
        fixture.ask(&entry_point, path, 1).await.unwrap();
        assert_eq!(fixture.passes(&entry_point, path).await, 4, "{path}");
    }
    // The use outlives the remembered caller.
    fixture.core.apply(Change::Everything);
    fixture.core.forget_idle_limits();
    assert_eq!(fixture.passes(&entry_point, "/39").await, 0);
}

#[tokio::test]
async fn a_request_in_flight_finishes_by_the_rules_that_it_began_with() {
    let fixture = fixture().await;
    let entry_point = fixture.entry_point(table(&[("/a", "", 0)]));
    let headers = fixture.headers(0);
    let with_body = |path| RequestHead {
        has_body: true,
        ..head(&headers, path)
    };
    let mut typed = headers.clone();
    typed.insert("content-type", HeaderValue::from_static("application/json"));
    let begun = RequestHead {
        headers: &typed,
        ..with_body("/a")
    };
    let passed = entry_point.check(&begun).await.unwrap();
    let admitted = passed.admitted(&begun).unwrap();
    entry_point.replace_rules(table(&[("/b", "", 0)]));
    // Its body has come, and something has changed meanwhile, so that it is judged again.
    fixture.core.apply(Change::User(fixture.user.user_id));
    entry_point.confirm(&begun, passed).await.unwrap();
    // Its handler refuses, and the record names the route that it was admitted to.
    admitted.refused("role_required".into());
    let batch = fixture.core.drain_denials();
    let [(call, _)] = batch.calls.as_slice() else {
        panic!("{batch:?}");
    };
    assert_eq!((call.method, &*call.route), ("GET", "/a"));
    // The next request is judged by the new rules.
    let denial = entry_point.check(&begun).await.unwrap_err();
    assert_eq!(denial.cause.reason(), "no_such_route");
}
