use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A connection on which every answer has a body of so many bytes, and what ends with it.
fn connected(bytes: usize) -> (DuplexStream, tokio::task::JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(1024);
    let service = tower::service_fn(move |_: Request<Incoming>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(Body::from(vec![b'x'; bytes])))
    });
    let drain = GracefulShutdown::new();
    let watcher = drain.watcher();
    let served = tokio::spawn(async move {
        connection(server, service, watcher, ()).await;
        drop(drain);
    });
    (client, served)
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_the_answer_holds_no_connection() {
    let (mut client, served) = connected(1024 * 1024);
    client.write_all(REQUEST).await.unwrap();
    let started = Instant::now();
    served.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn who_asks_nothing_more_holds_no_connection() {
    let (mut client, served) = connected(1);
    client.write_all(REQUEST).await.unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    served.await.unwrap();
    assert!(answer.ends_with(b"\r\n\r\nx"));
    assert_eq!(started.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
}

#[tokio::test]
async fn a_connection_too_many_of_one_address_is_closed_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        connections: 10,
        per_address: 1,
        proxies: Arc::default(),
    };
    let service = |_| {
        tower::service_fn(|_: Request<Incoming>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Body::from("x")))
        })
    };
    let served = tokio::spawn(serve(listener, bounds, service, std::future::pending()));
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 8];
    assert_eq!(second.read(&mut buffer).await.unwrap_or(0), 0);
    first.write_all(REQUEST).await.unwrap();
    first.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"HTTP/1.1");
    served.abort();
}

/// Tells when it is dropped.
struct Told(Option<tokio::sync::oneshot::Sender<()>>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.take().map(|told| told.send(()));
    }
}

#[tokio::test]
async fn a_request_that_is_cut_off_at_the_end_does_not_run_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        connections: 10,
        per_address: 10,
        proxies: Arc::default(),
    };
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let service = move |_| {
        let arrived = arrived.clone();
        tower::service_fn(move |_: Request<Incoming>| {
            let (told, dropped) = tokio::sync::oneshot::channel();
            arrived.send(dropped).unwrap();
            async move {
                let _told = Told(Some(told));
                std::future::pending::<()>().await;
                Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
            }
        })
    };
    let (end, asked) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, bounds, service, async {
        let _ = asked.await;
    }));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    let mut dropped = arrivals.recv().await.unwrap();
    dropped.try_recv().unwrap_err();
    // From here on nothing comes from outside: ten seconds may pass at once.
    tokio::time::pause();
    let started = Instant::now();
    end.send(()).unwrap();
    served.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), DRAIN.as_secs());
    dropped
        .try_recv()
        .expect("the request was dropped before that");
}
