//! Requests with one credential ask the directory once, and never learn what was true before they
//! began.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::Semaphore;
use vestibule_credential::token::Verified;
use vestibule_model::Digest;

use super::*;
use crate::directory::Unresolved;

/// A directory that reads when it is asked, and answers when it is let.
struct Gated {
    truth: Mutex<Truth>,
    asked: AtomicUsize,
    gate: Semaphore,
}

struct Truth {
    directory: Arc<MemoryDirectory>,
    fails: Option<Unresolved>,
}

impl Gated {
    async fn answer(
        &self,
        of: impl AsyncFnOnce(&MemoryDirectory) -> Result<Principal, Unresolved>,
    ) -> Result<Principal, Unresolved> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (directory, fails) = {
            let truth = self.truth.lock().unwrap();
            (Arc::clone(&truth.directory), truth.fails.clone())
        };
        let read = match fails {
            Some(unresolved) => Err(unresolved),
            None => of(&directory).await,
        };
        self.gate.acquire().await.unwrap().forget();
        read
    }
}

impl Directory for Gated {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(self.answer(async |directory| directory.api_key(key).await))
    }

    fn session_cookie<'a>(
        &'a self,
        cookie: &'a Digest,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(self.answer(async |directory| directory.session_cookie(cookie).await))
    }

    fn access_token<'a>(
        &'a self,
        token: &'a Verified,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(self.answer(async |directory| directory.access_token(token).await))
    }
}

struct Waiting {
    core: Core,
    check: EntryPoint,
    directory: Arc<Gated>,
    user: vestibule_model::UserId,
    key: PlainSecret,
    token: String,
}

/// A check that has seen neither the key nor the token of its one user.
fn waiting() -> Waiting {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let session = SessionId::mint(&*clock, &OsEntropy);
    let owner = crate::directory::owner();
    let by_token = Principal {
        credential: CredentialRef::AccessToken(session),
        ..owner.clone()
    };
    let issuer = Issuer {
        issuer: ORIGIN.to_owned(),
        audience: ORIGIN.to_owned(),
    };
    let signing_key = SigningKey::generate(&*clock, &OsEntropy);
    let keyring = Keyring::new(issuer, vec![signing_key]).unwrap();
    let token = keyring
        .sign(&Claims {
            subject: owner.user_id,
            organization: owner.organization_id,
            session,
            id: TokenId::mint(&*clock, &OsEntropy),
            issued_at: clock.now(),
            expires_at: clock.now().after(Duration::from_mins(5)),
        })
        .unwrap();
    let user = owner.user_id;
    let known = MemoryDirectory::new()
        .with(&key.digest(), owner)
        .with_session(by_token);
    let directory = Arc::new(Gated {
        truth: Mutex::new(Truth {
            directory: Arc::new(known),
            fails: None,
        }),
        asked: AtomicUsize::new(0),
        gate: Semaphore::new(0),
    });
    let core = Core::new(CoreParts {
        keyring: Some(Arc::new(ArcSwap::from_pointee(keyring))),
        clock,
        ..CoreParts::new(Arc::clone(&directory) as Arc<dyn Directory>)
    });
    Waiting {
        check: core.entry_point(table(), ORIGIN.parse::<OwnOrigin>().unwrap()),
        core,
        directory,
        user,
        key,
        token,
    }
}

impl Waiting {
    /// The answer to a request: `passed`, or the reason why not.
    fn ask(&self, bearer: &str) -> tokio::task::JoinHandle<String> {
        let (check, value) = (self.check.clone(), format!("Bearer {bearer}"));
        tokio::spawn(async move {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
            let head = RequestHead {
                method: &Method::GET,
                path: "/v1/things",
                headers: &headers,
                has_body: false,
                address: None,
                request_id: None,
            };
            match check.check(&head).await {
                Ok(_) => "passed".to_owned(),
                Err(denial) => denial.cause.reason().to_owned(),
            }
        })
    }

    /// Until every request that was spawned waits.
    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    fn asked(&self) -> usize {
        self.directory.asked.load(Ordering::SeqCst)
    }

    fn let_all_answer(&self) {
        self.directory.gate.add_permits(10_000);
    }

    fn fail_with(&self, unresolved: Unresolved) {
        self.directory.truth.lock().unwrap().fails = Some(unresolved);
    }
}

async fn answers(asked: Vec<tokio::task::JoinHandle<String>>) -> Vec<String> {
    let mut answers: Vec<_> = join_all(asked)
        .await
        .into_iter()
        .map(|answer| answer.unwrap())
        .collect();
    answers.dedup();
    answers
}

#[tokio::test]
async fn eight_hundred_requests_with_one_new_credential_ask_once() {
    for bearer in [
        |waiting: &Waiting| waiting.key.expose().to_owned(),
        |waiting: &Waiting| waiting.token.clone(),
    ] {
        let waiting = waiting();
        let asked = (0..800).map(|_| waiting.ask(&bearer(&waiting))).collect();
        waiting.settle().await;
        assert_eq!(waiting.asked(), 1);
        waiting.let_all_answer();
        assert_eq!(answers(asked).await, ["passed"]);
        assert_eq!(waiting.asked(), 1);
        assert_eq!(waiting.core.0.flights.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_as_the_answer_does_asks_no_second_time() {
    for _ in 0..100 {
        let waiting = waiting();
        waiting.let_all_answer();
        let asked = (0..32).map(|_| waiting.ask(waiting.key.expose())).collect();
        assert_eq!(answers(asked).await, ["passed"]);
        assert_eq!(waiting.asked(), 1);
    }
}

#[tokio::test]
async fn what_was_read_before_a_revocation_reaches_nobody_who_begins_after_it() {
    let waiting = waiting();
    let before: Vec<_> = (0..3).map(|_| waiting.ask(waiting.key.expose())).collect();
    waiting.settle().await;
    waiting.fail_with(Unresolved::Revoked);
    waiting.core.apply(Change::User(waiting.user));
    let after: Vec<_> = (0..3).map(|_| waiting.ask(waiting.key.expose())).collect();
    waiting.settle().await;
    assert_eq!(waiting.asked(), 2);
    waiting.let_all_answer();
    assert_eq!(answers(before).await, ["passed"]);
    assert_eq!(answers(after).await, ["credential_revoked"]);
    assert_eq!(
        answers(vec![waiting.ask(waiting.key.expose())]).await,
        ["credential_revoked"]
    );
}

#[tokio::test]
async fn others_are_answered_though_the_first_has_disconnected() {
    let waiting = waiting();
    let first = waiting.ask(waiting.key.expose());
    waiting.settle().await;
    let others: Vec<_> = (0..5).map(|_| waiting.ask(waiting.key.expose())).collect();
    waiting.settle().await;
    first.abort();
    waiting.settle().await;
    waiting.let_all_answer();
    assert_eq!(answers(others).await, ["passed"]);
    assert_eq!(waiting.asked(), 1);
}

#[tokio::test]
async fn a_failure_and_an_unknown_credential_are_told_to_all_who_wait_and_to_nobody_later() {
    for (unresolved, reason) in [
        (Unresolved::Unknown, "unknown_credential"),
        (
            Unresolved::Unavailable("away".to_owned()),
            "directory_unavailable",
        ),
    ] {
        let waiting = waiting();
        waiting.fail_with(unresolved);
        let asked = (0..800)
            .map(|_| waiting.ask(waiting.key.expose()))
            .collect();
        waiting.settle().await;
        waiting.let_all_answer();
        assert_eq!(answers(asked).await, [reason]);
        assert_eq!(waiting.asked(), 1);
        waiting.directory.truth.lock().unwrap().fails = None;
        assert_eq!(
            answers(vec![waiting.ask(waiting.key.expose())]).await,
            ["passed"]
        );
    }
}

#[tokio::test]
async fn questions_of_strangers_are_remembered_only_while_they_wait() {
    let waiting = waiting();
    let strangers: Vec<_> = (0..100)
        .map(|_| mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy))
        .collect();
    let asked: Vec<_> = strangers
        .iter()
        .map(|key| waiting.ask(key.expose()))
        .collect();
    waiting.settle().await;
    assert_eq!(waiting.core.0.flights.len(), 100);
    for gone in &asked[..50] {
        gone.abort();
    }
    waiting.settle().await;
    assert_eq!(waiting.core.0.flights.len(), 50);
    waiting.let_all_answer();
    for answer in asked.into_iter().skip(50) {
        assert_eq!(answer.await.unwrap(), "unknown_credential");
    }
    assert_eq!(waiting.core.0.flights.len(), 0);
}

#[tokio::test]
async fn a_token_with_the_signature_of_one_that_is_asked_for_joins_nothing() {
    let waiting = waiting();
    let asked = waiting.ask(&waiting.token);
    waiting.settle().await;
    let (header, rest) = waiting.token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let forged = format!("{header}.{payload}x.{signature}");
    let answer = waiting.ask(&forged).await.unwrap();
    assert!(answer.starts_with("token_"), "{answer}");
    waiting.let_all_answer();
    assert_eq!(asked.await.unwrap(), "passed");
}

#[tokio::test]
async fn without_the_lease_everybody_asks() {
    let waiting = waiting();
    waiting.core.suspend();
    let asked = (0..5).map(|_| waiting.ask(waiting.key.expose())).collect();
    waiting.settle().await;
    assert_eq!(waiting.asked(), 5);
    waiting.let_all_answer();
    assert_eq!(answers(asked).await, ["passed"]);
}
