//! Connections are kept as long as proxies expect, and no longer than there is room for them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use vestibule_e2e::{Backend, Fixture, Line, Nginx, Setup, rounds};

use crate::measure::print;

/// Asks for something that needs no store; the status.
async fn ask(line: &mut Line) -> u16 {
    let asked = line.ask(&Line::get("/problems", "")).await;
    asked.unwrap().unwrap().status
}

/// Waits until the server closes a connection without a byte on it; cut off after ten seconds.
async fn closed(line: &mut Line) {
    let read = tokio::time::timeout(Duration::from_secs(10), line.read()).await;
    let read = read.unwrap();
    assert!(matches!(read, Ok(None)), "{read:?}");
}

async fn fixture(head: &str, idle: &str) -> Fixture {
    let setup = Setup::new(Backend::Sqlite).with("SERVER__HEAD_TIMEOUT", head);
    setup.with("SERVER__IDLE_TIMEOUT", idle).start().await
}

#[tokio::test]
async fn an_answered_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let fixture = fixture("1s", "60s").await;
    let mut line = Line::open(fixture.url()).await.unwrap();
    ask(&mut line).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(ask(&mut line).await, 200);
    // The same holds for the listener of the probes.
    let mut line = Line::open(fixture.admin_url()).await.unwrap();
    let alive = Line::get("/livez", "");
    assert_eq!(line.ask(&alive).await.unwrap().unwrap().status, 200);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(line.ask(&alive).await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_time_that_is_set() {
    let fixture = fixture("60s", "1s").await;
    let mut line = Line::open(fixture.url()).await.unwrap();
    ask(&mut line).await;
    let begun = Instant::now();
    closed(&mut line).await;
    assert!(begun.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn a_head_that_does_not_come_or_trickles_is_cut_off_however_long_connections_may_idle() {
    let fixture = fixture("1s", "600s").await;
    let mut silent = Line::open(fixture.url()).await.unwrap();
    let mut first = Line::open(fixture.url()).await.unwrap();
    let mut later = Line::open(fixture.url()).await.unwrap();
    ask(&mut later).await;
    tokio::join!(
        closed(&mut silent),
        trickle(&mut first),
        trickle(&mut later)
    );
}

/// Sends a head byte by byte until the server has closed the connection.
async fn trickle(line: &mut Line) {
    for byte in Line::get("/problems", &"x".repeat(200)) {
        // It is closed when it cannot be written to, or the next read says so.
        if line.send(&[byte]).await.is_err() {
            return;
        }
        match tokio::time::timeout(Duration::from_millis(100), line.read()).await {
            Err(_) => {}
            Ok(Ok(None) | Err(_)) => return,
            Ok(Ok(Some(reply))) => panic!("an answer to part of a head: {reply:?}"),
        }
    }
    panic!("the head is complete, and the connection open");
}

#[tokio::test]
async fn from_four_fifths_on_those_connections_are_closed_that_are_idle_for_longest() {
    let setup = Setup::new(Backend::Sqlite).with("SERVER__MAX_CONNECTIONS", "10");
    let fixture = setup.start().await;
    // The first is busy: a request whose body has not come.
    let slow = Line::request("POST", "/v1/api-keys", fixture.key(), r#"{"name":"slow"}"#);
    let (head, rest) = slow.split_at(slow.len() - 8);
    let mut busy = Line::open(fixture.url()).await.unwrap();
    busy.send(head).await.unwrap();
    let mut idle = Vec::new();
    for _ in 0..7 {
        let mut line = Line::open(fixture.url()).await.unwrap();
        ask(&mut line).await;
        idle.push(line);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Eight of ten are open, and stay so.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    ask(&mut idle[0]).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut newcomers = Vec::new();
    for _ in 0..2 {
        let mut line = Line::open(fixture.url()).await.unwrap();
        ask(&mut line).await;
        newcomers.push(line);
    }
    // The first of the idle ones was used again: two others have been idle for longest.
    closed(&mut idle[1]).await;
    closed(&mut idle[2]).await;
    for line in idle.iter_mut().take(1).chain(&mut newcomers) {
        assert_eq!(ask(line).await, 200);
    }
    for line in &mut idle[3..] {
        assert_eq!(ask(line).await, 200);
    }
    busy.send(rest).await.unwrap();
    assert_eq!(busy.read().await.unwrap().unwrap().status, 201);
}

#[tokio::test]
async fn a_server_full_of_idle_connections_answers_new_ones() {
    let setup = Setup::new(Backend::Sqlite).with("SERVER__MAX_CONNECTIONS", "5");
    let fixture = setup.start().await;
    let mut idle = Vec::new();
    for _ in 0..5 {
        let mut line = Line::open(fixture.url()).await.unwrap();
        ask(&mut line).await;
        idle.push(line);
    }
    let begun = Instant::now();
    let newcomers = (0..5).map(async |_| {
        let mut line = Line::open(fixture.url()).await.unwrap();
        let status = ask(&mut line).await;
        (status, line)
    });
    let answers = tokio::time::timeout(Duration::from_secs(60), join_all(newcomers));
    for (status, _) in answers.await.unwrap() {
        assert_eq!(status, 200);
    }
    print(
        "from full to room for others",
        format!("{:.1?}", begun.elapsed()),
    );
}

/// With all of its defaults, and pauses about as long as a head may take: it used to get its
/// connections closed in these moments, and answered 502 for the server.
#[tokio::test(flavor = "multi_thread")]
async fn nginx_has_an_answer_to_every_post_that_follows_a_pause() {
    let setup = Setup::new(Backend::Sqlite).with("SERVER__HEAD_TIMEOUT", "1s");
    let fixture = setup.start().await;
    let nginx = Nginx::start(fixture.url(), 64).await;
    // A method that nginx does not repeat where it has been sent; a key has no session to end.
    let post = Line::request("POST", "/v1/auth/signout", fixture.key(), "");
    let pauses = rounds(4, 60);
    let clients = (0..32u64).map(|number| {
        let (url, post) = (nginx.url().to_owned(), post.clone());
        tokio::spawn(async move {
            let mut line = Line::open(&url).await.unwrap();
            let mut replies = Vec::new();
            for pause in 0..=pauses as u64 {
                let reply = line.ask(&post).await.unwrap().unwrap();
                replies.push((reply.status, reply.body));
                let around = 980 + (number * 7 + pause * 13) % 40;
                tokio::time::sleep(Duration::from_millis(around)).await;
            }
            replies
        })
    });
    let mut answered = 0;
    for replies in join_all(clients).await {
        for (status, body) in replies.unwrap() {
            assert_eq!(status, 200, "{body} {}", nginx.log());
            answered += 1;
        }
    }
    print("posts through nginx, each answered", answered);
    assert_eq!(nginx.log(), "");
}

/// The request is in the system's buffer when the server comes to notice that the time is up.
#[tokio::test]
async fn a_request_that_came_in_time_is_answered_by_a_server_that_notices_late() {
    let fixture = fixture("1s", "1s").await;
    let mut used = Line::open(fixture.url()).await.unwrap();
    let mut fresh = Line::open(fixture.url()).await.unwrap();
    ask(&mut used).await;
    fixture.signal(Signal::STOP);
    for line in [&mut used, &mut fresh] {
        line.send(&Line::get("/problems", "")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    fixture.signal(Signal::CONT);
    for mut line in [used, fresh] {
        let reply = line.read().await.unwrap().unwrap();
        assert_eq!(reply.status, 200);
    }
}
