use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use vestibule_layer::{Routes, Rule};
use vestibule_model::ProcessClock;
use vestibule_store::{Store, StoreUrl};

use super::super::tests::stack_of;
use super::*;
use vestibule_config::Timeouts;

use crate::listen::{self, Bounds};
use crate::telemetry::Metrics;

/// A log in memory.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines about requests.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("path="));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn who_hangs_up_before_the_answer_has_a_line_and_is_counted_once() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);

    let arrived = Arc::new(Notify::new());
    let here = Arc::clone(&arrived);
    let waits = move || {
        let here = Arc::clone(&here);
        async move {
            here.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let routes = Routes::<()>::bearer()
        .get("/v1/hello", Rule::public(), async || "hello")
        .get("/v1/waits", Rule::public(), waits);
    let stack = stack_of(routes, false);
    let folder = tempfile::tempdir().unwrap();
    let file = StoreUrl::sqlite(folder.path().join("vestibule.db"));
    let store = Store::create(file).await.unwrap();
    let metrics = Metrics::new(
        stack.entry_point.core(),
        Arc::clone(&stack.requests),
        Arc::new(ProcessClock::start()),
        store,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        connections: 10,
        per_address: 10,
        proxies: Arc::default(),
        timeouts: Timeouts::default(),
    };
    let service = move |peer: std::net::SocketAddr| stack.service(peer.ip());
    let served = tokio::spawn(listen::serve(
        listener,
        bounds,
        service,
        std::future::pending(),
    ));

    let mut client = TcpStream::connect(address).await.unwrap();
    let waits = b"GET /v1/waits?secret HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(waits).await.unwrap();
    arrived.notified().await;
    assert_eq!(log.lines(), [""; 0]);
    drop(client);
    let counted = |class: &str, count: u64| {
        let line = format!("vestibule_http_requests_total{{status=\"{class}\"}} {count}");
        metrics.text().unwrap().lines().any(|it| it == line)
    };
    let noticed = async {
        while !counted("4xx", 1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed)
        .await
        .expect("it is counted");
    let [line] = &log.lines()[..] else {
        panic!("one line: {:?}", log.lines());
    };
    for part in [
        "gone before the answer",
        "path=/v1/waits ",
        "status=499",
        "request_id=",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }

    // Who waits for the answer is counted by it alone.
    let mut client = TcpStream::connect(address).await.unwrap();
    let hello = b"GET /v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.write_all(hello).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    assert!(counted("2xx", 1) && counted("4xx", 1));
    let lines = log.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].contains("status=200"), "{lines:?}");
    served.abort();
}
