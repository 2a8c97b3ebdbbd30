//! Bodies that the layer reads before a handler is called.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::once;
use http::header::{ACCEPT_ENCODING, CONNECTION, RETRY_AFTER};
use hyper::body::{Bytes, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt;
use vestibule_http::ClientAddress;
use vestibule_layer::credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_layer::credential::token::Verified;
use vestibule_layer::model::{Digest, OsEntropy, Principal};
use vestibule_layer::{
    CheckService, Core, CoreParts, Directory, EntryPoint, EntryPointExt as _, MemoryDirectory,
    OwnOrigin, Routes, Rule, Unresolved,
};

const KIB: usize = 1024;
/// All but one byte of the longest body that one caller can send where the room is 64 KiB: an
/// eighth of it, and the 4 KiB that take nothing of it.
const LONGEST: usize = 12 * KIB - 1;
/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

struct Fixture {
    check: EntryPoint,
    service: CheckService<axum::Router>,
    key: PlainSecret,
    is_revoked: Arc<AtomicBool>,
}

/// A directory whose one key can be taken away without anybody being told.
struct OneKey(MemoryDirectory, Arc<AtomicBool>);

impl Directory for OneKey {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        if self.1.load(Ordering::SeqCst) {
            return Box::pin(async { Err(Unresolved::Revoked) });
        }
        self.0.api_key(key)
    }

    fn session_cookie<'a>(
        &'a self,
        cookie: &'a Digest,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        self.0.session_cookie(cookie)
    }

    fn access_token<'a>(
        &'a self,
        token: &'a Verified,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        self.0.access_token(token)
    }
}

/// With room for so many bytes of bodies.
fn fixture(body_bytes: usize) -> Fixture {
    let length = async |body: String| body.len().to_string();
    let (router, table) = Routes::<()>::bearer()
        .post("/v1/public", Rule::public(), length)
        .post("/v1/optional", Rule::optional(), length)
        .post("/v1/known", Rule::signed_in(), length)
        .post("/v1/short", Rule::signed_in().body_bytes(10), length)
        .post("/v1/long", Rule::public().body_bytes(usize::MAX), length)
        .merge(Routes::browser().post("/api/known", Rule::signed_in(), length))
        .into_parts()
        .unwrap();
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let is_revoked = Arc::new(AtomicBool::new(false));
    let memory = MemoryDirectory::with_owner_key(&key.digest());
    let directory = OneKey(memory, Arc::clone(&is_revoked));
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let core = Core::new(CoreParts {
        body_bytes,
        ..CoreParts::new(Arc::new(directory))
    });
    let check = core.entry_point(table, origin);
    Fixture {
        service: check.guard(router),
        check,
        key,
        is_revoked,
    }
}

impl Fixture {
    fn request(&self, path: &str, body: Body) -> Request {
        Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .body(body)
            .unwrap()
    }

    async fn send(&self, request: Request) -> Response {
        self.service.clone().oneshot(request).await.unwrap()
    }

    async fn status(&self, path: &str, body: Body) -> u16 {
        self.send(self.request(path, body)).await.status().as_u16()
    }

    /// Sends so many bytes of a body that has one more, from an address.
    fn begin(&self, path: &str, bytes: usize, address: [u8; 4]) -> Slow {
        let (finish, last) = oneshot::channel::<()>();
        let last = once(async move {
            last.await.ok();
            Ok("x".to_owned())
        });
        let first = "x".repeat(bytes);
        let body = once(async { Ok::<_, std::io::Error>(first) }).chain(last);
        let mut request = self.request(path, Body::from_stream(body));
        let address = ClientAddress(IpAddr::from(address));
        request.extensions_mut().insert(address);
        let service = self.service.clone();
        let answer = tokio::spawn(async move { service.oneshot(request).await.unwrap() });
        Slow { finish, answer }
    }

    /// Waits until bodies take so many bytes of memory.
    async fn taken(&self, bytes: usize) {
        let reached = async {
            while self.check.core().totals().body_bytes != bytes {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        let taken = self.check.core().totals().body_bytes;
        assert!(reached.is_ok(), "{taken} bytes rather than {bytes}");
    }
}

/// A request whose last byte is not sent yet.
struct Slow {
    finish: oneshot::Sender<()>,
    answer: JoinHandle<Response>,
}

impl Slow {
    async fn finish(self) -> u16 {
        self.finish.send(()).unwrap();
        self.answer.await.unwrap().status().as_u16()
    }
}

/// A body of which nothing ever comes.
struct Announced(u64);

impl HttpBody for Announced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

fn streamed(bytes: usize) -> Body {
    let piece = |_| Ok::<_, std::io::Error>("x".repeat(KIB));
    Body::from_stream(futures_util::stream::iter((0..bytes / KIB).map(piece)))
}

async fn reason(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), 10_000).await;
    let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
    body["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_route_reads_no_more_than_its_rule_says() {
    let fixture = fixture(64 * KIB * KIB);
    for (path, most) in [
        ("/v1/public", 16 * KIB),
        ("/v1/optional", 16 * KIB),
        ("/v1/known", KIB * KIB),
        ("/v1/long", KIB * KIB),
    ] {
        for body in [Body::from("x".repeat(most)), streamed(most)] {
            assert_eq!(fixture.status(path, body).await, 200, "{path}");
        }
        for body in [Body::from("x".repeat(most + 1)), streamed(most + KIB)] {
            let response = fixture.send(fixture.request(path, body)).await;
            assert_eq!(response.status(), 413, "{path}");
            // The rest of it is not read, so that nothing can follow.
            assert_eq!(response.headers()[CONNECTION], "close");
            assert_eq!(reason(response).await, "body_too_large");
        }
    }
    assert_eq!(
        fixture.status("/v1/short", Body::from("0123456789")).await,
        200
    );
    assert_eq!(
        fixture.status("/v1/short", Body::from("0123456789a")).await,
        413
    );
    assert_eq!(fixture.check.core().totals().body_bytes, 0);
}

#[tokio::test]
async fn what_says_that_it_is_too_large_is_refused_before_any_of_it_is_read() {
    let fixture = fixture(64 * KIB * KIB);
    for (path, bytes) in [("/v1/public", 16 * 1024 + 1), ("/v1/known", u64::MAX)] {
        assert_eq!(fixture.status(path, Body::new(Announced(bytes))).await, 413);
    }
}

#[tokio::test]
async fn long_bodies_have_a_bound_together_and_short_ones_always_pass() {
    let fixture = fixture(64 * KIB);
    let mut slow = Vec::new();
    for last in 1..=4 {
        slow.push(fixture.begin("/v1/public", LONGEST, [10, 0, 0, last]));
    }
    fixture.taken(4 * LONGEST).await;
    // Strangers leave one half to those who are known.
    slow.push(fixture.begin("/v1/known", LONGEST, [10, 0, 0, 1]));
    fixture.taken(5 * LONGEST).await;
    // Neither this caller, nor this address, nor strangers together have more.
    for (path, address) in [
        ("/v1/known", [10, 0, 0, 9]),
        ("/v1/public", [10, 0, 0, 1]),
        ("/v1/public", [10, 0, 0, 5]),
    ] {
        let refused = fixture.begin(path, 6 * KIB, address).answer.await.unwrap();
        assert_eq!(refused.status(), 503, "{path}");
        assert_eq!(refused.headers()[RETRY_AFTER], "1");
        assert_eq!(refused.headers()[CONNECTION], "close");
        assert_eq!(reason(refused).await, "no_room_for_body");
        for bytes in [100, 4 * KIB - 1] {
            assert_eq!(fixture.begin(path, bytes, address).finish().await, 200);
        }
    }
    fixture.taken(5 * LONGEST).await;
    // What is there again can be had again.
    assert_eq!(slow.remove(0).finish().await, 200);
    fixture.taken(4 * LONGEST).await;
    slow.push(fixture.begin("/v1/public", LONGEST, [10, 0, 0, 5]));
    fixture.taken(5 * LONGEST).await;
    for slow in slow {
        assert_eq!(slow.finish().await, 200);
    }
    fixture.taken(0).await;
    // Who hangs up gives it back, too.
    let gone = fixture.begin("/v1/known", LONGEST, [10, 0, 0, 1]);
    fixture.taken(LONGEST).await;
    gone.answer.abort();
    fixture.taken(0).await;
}

#[tokio::test]
async fn a_body_that_is_only_announced_takes_no_room() {
    let fixture = fixture(64 * KIB);
    let service = fixture.service.clone();
    let request = fixture.request("/v1/known", Body::new(Announced(16 * 1024)));
    let waiting = tokio::spawn(service.oneshot(request));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert_eq!(fixture.check.core().totals().body_bytes, 0);
    waiting.abort();
}

#[tokio::test]
async fn a_compressed_body_is_refused_in_either_dialect_and_told_how_to_come() {
    let fixture = fixture(64 * KIB);
    for path in ["/v1/known", "/v1/public", "/api/known"] {
        let mut request = fixture.request(path, Body::from("\u{1f}..."));
        let gzip = http::HeaderValue::from_static("gzip");
        request.headers_mut().insert("content-encoding", gzip);
        let response = fixture.send(request).await;
        assert_eq!(response.status(), 415, "{path}");
        assert_eq!(response.headers()[ACCEPT_ENCODING], "identity");
        assert_eq!(reason(response).await, "unsupported_content_encoding");
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_unheard_while_its_body_is_on_the_way_opens_nothing() {
    let fixture = fixture(64 * KIB);
    for (is_hearing, status) in [(true, 200), (false, 401)] {
        fixture.is_revoked.store(false, Ordering::SeqCst);
        assert_eq!(fixture.status("/v1/known", Body::from("{}")).await, 200);
        if !is_hearing {
            fixture.check.core().suspend();
        }
        let slow = fixture.begin("/v1/known", 2 * KIB, [10, 0, 0, 1]);
        fixture.taken(2 * KIB).await;
        fixture.is_revoked.store(true, Ordering::SeqCst);
        assert_eq!(slow.finish().await, status);
    }
}
