use axum::body::Body;
use axum::extract::Request;
use hyper::rt::Timer as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

impl Peek for DuplexStream {
    fn has_unread(&self) -> bool {
        false
    }
}

/// A connection on which every answer has a body of so many bytes, what is known of it, and what
/// ends with it.
fn connected(bytes: usize) -> (DuplexStream, Arc<Activity>, tokio::task::JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(1024);
    let service = tower::service_fn(move |_: Request<Incoming>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(Body::from(vec![b'x'; bytes])))
    });
    let activity = Arc::new(Activity::new(Instant::now(), Timeouts::default()));
    let served = tokio::spawn(connection(server, service, Arc::clone(&activity), ()));
    (client, activity, served)
}

/// Asks for something and reads the answer, whose body is one byte.
async fn ask(client: &mut DuplexStream) -> String {
    client.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nx") {
        answer.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

/// The time until the connection is closed without another byte, to a tenth of a second.
async fn closed(mut client: DuplexStream, served: tokio::task::JoinHandle<()>) -> Duration {
    let started = Instant::now();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    served.await.unwrap();
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap();
    Duration::from_millis((millis + 50) / 100 * 100)
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_the_answer_holds_no_connection() {
    let (mut client, _, served) = connected(1024 * 1024);
    client.write_all(REQUEST).await.unwrap();
    let started = Instant::now();
    served.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn an_answered_connection_is_kept_for_75_seconds_each_time() {
    let (mut client, _, served) = connected(1);
    for pause in [0, 12, 74, 74] {
        sleep(Duration::from_secs(pause)).await;
        ask(&mut client).await;
    }
    assert_eq!(closed(client, served).await, Duration::from_secs(75));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_late_leaves_the_idle_time_as_it_is() {
    let (mut client, _, served) = connected(4096);
    client.write_all(REQUEST).await.unwrap();
    sleep(Duration::from_secs(20)).await;
    let mut answer = Vec::new();
    while !answer.ends_with(&[b'x'; 4096]) {
        answer.push(client.read_u8().await.unwrap());
    }
    let left = closed(client, served).await.as_secs();
    assert!((50..=75).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_asks_is_closed_after_10_seconds() {
    let (client, _, served) = connected(1);
    assert_eq!(closed(client, served).await, Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_first_head_that_trickles_has_10_seconds_from_the_beginning() {
    let (mut client, _, served) = connected(1);
    for byte in &REQUEST[..9] {
        sleep(Duration::from_secs(1)).await;
        client.write_u8(*byte).await.unwrap();
    }
    assert_eq!(closed(client, served).await, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_later_head_that_trickles_has_10_seconds_from_its_first_byte() {
    let (mut client, _, served) = connected(1);
    ask(&mut client).await;
    sleep(Duration::from_secs(70)).await;
    for byte in &REQUEST[..10] {
        client.write_u8(*byte).await.unwrap();
        sleep(Duration::from_millis(900)).await;
    }
    assert_eq!(closed(client, served).await, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_in_pieces_in_time_is_answered() {
    let (mut client, _, served) = connected(1);
    for _ in 0..3 {
        client.write_all(&REQUEST[..9]).await.unwrap();
        sleep(Duration::from_secs(9)).await;
        client.write_all(&REQUEST[9..20]).await.unwrap();
        client.write_all(&REQUEST[20..]).await.unwrap();
        while client.read_u8().await.unwrap() != b'x' {}
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(closed(client, served).await, Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_is_to_end_is_closed_at_once() {
    let (mut client, activity, served) = connected(1);
    ask(&mut client).await;
    sleep(Duration::from_secs(1)).await;
    activity.end(LAST_HEAD);
    assert_eq!(closed(client, served).await, Duration::from_secs(0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_to_end_answers_what_comes_in_a_moment_and_says_that_it_closes() {
    for sent in [0, 9] {
        let (mut client, activity, served) = connected(1);
        client.write_all(&REQUEST[..sent]).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        activity.end(LAST_HEAD);
        sleep(LAST_HEAD / 2).await;
        client.write_all(&REQUEST[sent..]).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_head_does_not_hold_a_connection_that_is_to_end() {
    for sent in [0, 9] {
        let (mut client, activity, served) = connected(1);
        client.write_all(&REQUEST[..sent]).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        activity.end(LAST_HEAD);
        assert_eq!(closed(client, served).await, LAST_HEAD);
    }
}

#[tokio::test(start_paused = true)]
async fn from_four_fifths_on_those_are_closed_that_have_been_idle_for_longest() {
    let origin = Instant::now();
    let mut roster = Roster::new(10, Timeouts::default());
    let mut all = Vec::new();
    let mut waits = Vec::new();
    for number in 0..11 {
        let activity = Arc::new(Activity::new(origin, Timeouts::default()));
        let timer = HeadTimer(Arc::clone(&activity));
        let first = timer.sleep(HeadTimer::TIMEOUT);
        // The fourth never gets an answer, the seventh never asks.
        if number == 6 {
            waits.push(first);
        } else {
            drop(first);
            if number != 3 {
                waits.push(timer.sleep(HeadTimer::TIMEOUT));
            }
        }
        roster.spawn(Arc::clone(&activity), std::future::pending());
        all.push(activity);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(roster.is_crowded(), number >= 8);
        if number == 7 {
            roster.make_room();
        }
    }
    let ending = |all: &[Arc<Activity>]| -> Vec<usize> {
        (0..all.len()).filter(|it| all[*it].is_ending()).collect()
    };
    assert!(ending(&all).is_empty());
    roster.make_room();
    assert_eq!(ending(&all), [0, 1, 2]);
    // Those are on their way out: no more have to.
    roster.make_room();
    assert_eq!(ending(&all), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_used_again_and_again_is_not_closed_for_others() {
    let mut roster = Roster::new(1, Timeouts::default());
    let activity = Arc::new(Activity::new(Instant::now(), Timeouts::default()));
    let timer = HeadTimer(Arc::clone(&activity));
    drop(timer.sleep(HeadTimer::TIMEOUT));
    let _wait = timer.sleep(HeadTimer::TIMEOUT);
    roster.spawn(Arc::clone(&activity), std::future::pending());
    sleep(Duration::from_millis(900)).await;
    roster.make_room();
    assert!(!activity.is_ending());
    sleep(Duration::from_millis(200)).await;
    roster.make_room();
    assert!(activity.is_ending());
}

#[tokio::test]
async fn a_connection_too_many_of_one_address_is_closed_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        connections: 10,
        per_address: 1,
        proxies: Arc::default(),
        timeouts: Timeouts::default(),
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
        timeouts: Timeouts::default(),
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
