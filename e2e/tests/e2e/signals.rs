//! A signal ends no change in flight, and the end of a server loses no request that it had accepted.

use std::collections::VecDeque;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use vestibule_e2e::{Backend, Fixture, Line, Setup, command, rounds};

use crate::measure::print;

/// Those that mean nothing to the server.
const IDLE: [(&str, Signal); 3] = [
    ("SIGHUP", Signal::HUP),
    ("SIGUSR1", Signal::USR1),
    ("SIGUSR2", Signal::USR2),
];

/// The keys of a writer: those that are to be good, and those that are not.
#[derive(Default)]
struct Written {
    alive: VecDeque<(String, String)>,
    deleted: Vec<String>,
}

/// Creates and deletes keys until it is told to stop; each change has to be acknowledged.
async fn write(url: String, owner: String, stop: Arc<AtomicBool>) -> Written {
    let mut line = Line::open(&url).await.unwrap();
    let create = Line::request("POST", "/v1/api-keys", &owner, r#"{"name":"kept"}"#);
    let mut written = Written::default();
    while !stop.load(Ordering::SeqCst) {
        let reply = line.ask(&create).await.unwrap().unwrap();
        if reply.status == 429 {
            // Nobody creates so many keys; a run in full would.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        assert_eq!(reply.status, 201, "{}", reply.body);
        let made: Value = serde_json::from_str(&reply.body).unwrap();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        written.alive.push_back((text("id"), text("key")));
        if written.alive.len() > 10 {
            let (id, key) = written.alive.pop_front().unwrap();
            let delete = Line::request("DELETE", &format!("/v1/api-keys/{id}"), &owner, "");
            let reply = line.ask(&delete).await.unwrap().unwrap();
            assert_eq!(reply.status, 204, "{}", reply.body);
            written.deleted.push(key);
        }
    }
    written
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn changes_in_flight_survive_hup_usr1_and_usr2_and_are_acknowledged(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let slow = Line::request("POST", "/v1/api-keys", fixture.key(), r#"{"name":"slow"}"#);
    let (first, rest) = slow.split_at(slow.len() - 8);
    let mut line = Line::open(fixture.url()).await.unwrap();
    line.send(first).await.unwrap();
    for (name, signal) in IDLE {
        fixture.signal(signal);
        let logged = || fixture.log().matches(&format!("signal=\"{name}\"")).count();
        let begun = Instant::now();
        while logged() == 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{}",
                fixture.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(logged(), 1, "{}", fixture.log());
    }
    line.send(rest).await.unwrap();
    let reply = line.read().await.unwrap().unwrap();
    assert_eq!((reply.status, reply.closes), (201, false), "{}", reply.body);

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (url, owner) = (fixture.url().to_owned(), fixture.key().to_owned());
            tokio::spawn(write(url, owner, Arc::clone(&stop)))
        })
        .collect();
    let signals = rounds(60, 3_000);
    for number in 0..signals {
        fixture.signal(IDLE[number % 3].1);
        tokio::time::sleep(Duration::from_millis(number as u64 * 7 % 11)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut line = Line::open(fixture.url()).await.unwrap();
    let mut changes = 0;
    for written in join_all(writers).await {
        let Written { alive, deleted } = written.unwrap();
        changes += alive.len() + 2 * deleted.len();
        let alive = alive.iter().map(|(_, key)| (key, 200));
        for (key, status) in alive.chain(deleted.iter().map(|key| (key, 401))) {
            let reply = line.ask(&Line::get("/v1/users/me", key)).await;
            assert_eq!(reply.unwrap().unwrap().status, status);
        }
    }
    print("signals", signals);
    print("changes beside them, each acknowledged and kept", changes);
    assert!(changes > 0);
}

#[rstest]
#[case::term(Signal::TERM)]
#[case::quit(Signal::QUIT)]
#[case::int(Signal::INT)]
#[tokio::test(flavor = "multi_thread")]
async fn the_signals_that_end_a_server_let_it_answer_what_is_in_flight(#[case] signal: Signal) {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let slow = Line::request("POST", "/v1/api-keys", fixture.key(), r#"{"name":"slow"}"#);
    let (first, rest) = slow.split_at(slow.len() - 8);
    let mut line = Line::open(fixture.url()).await.unwrap();
    line.send(first).await.unwrap();
    // Answered on the next connection: the first part of the one before has been read.
    fixture.get("/problems").send().await.expect(200);
    fixture.signal(signal);
    // Others do not cut the end short.
    for (_, signal) in IDLE {
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.signal(signal);
    }
    refused(fixture.url()).await;
    line.send(rest).await.unwrap();
    let reply = line.read().await.unwrap().unwrap();
    assert_eq!((reply.status, reply.closes), (201, true), "{}", reply.body);
    assert!(matches!(line.read().await, Ok(None)), "it is closed");
    let status = fixture.ended(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0), "{}", fixture.log());
}

/// Waits until nobody listens there.
async fn refused(url: &str) {
    loop {
        match Line::open(url).await {
            Err(error) => return assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Nothing that is no request is waited for: the ten seconds are for those alone.
#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_whole_head_do_not_delay_the_end() {
    let setup = Setup::new(Backend::Sqlite).with("SERVER__HEAD_TIMEOUT", "60s");
    let mut fixture = setup.start().await;
    let whole = Line::get("/problems", "");
    let mut lines = Vec::new();
    for url in [fixture.url(), fixture.admin_url()] {
        for sent in [&whole[..0], &whole[..9], &whole[..whole.len() - 1]] {
            for is_used in [false, true] {
                let mut line = Line::open(url).await.unwrap();
                if is_used {
                    line.ask(&whole).await.unwrap().unwrap();
                }
                line.send(sent).await.unwrap();
                lines.push(line);
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    fixture.ask_to_end();
    // Promised is "at once", which is two tenths of a second for each listener.
    let status = fixture.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0));
    assert!(!fixture.log().contains("cut off"), "{}", fixture.log());
    for mut line in lines {
        let read = line.read().await;
        assert!(matches!(read, Ok(None)), "{read:?}");
    }
}

/// Asks on one new connection after the other until they are refused; how many were answered.
async fn ask_until_refused(url: String, request: Vec<u8>) -> usize {
    let mut answered = 0;
    loop {
        let mut line = match Line::open(&url).await {
            Ok(line) => line,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                return answered;
            }
        };
        let reply = line.ask(&request).await;
        let reply = reply.unwrap_or_else(|error| panic!("dropped after {answered}: {error}"));
        let reply = reply.unwrap_or_else(|| panic!("closed without an answer after {answered}"));
        assert_eq!(reply.status, 200);
        answered += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_made_while_the_server_ends_are_answered_or_refused() {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let ends = rounds(3, 100);
    let mut answered = 0;
    for end in 0..ends {
        let clients = (0..12).map(|number| {
            let (url, path) = match number % 4 {
                0 => (fixture.admin_url(), "/livez"),
                _ => (fixture.url(), "/problems"),
            };
            tokio::spawn(ask_until_refused(url.to_owned(), Line::get(path, "")))
        });
        let clients: Vec<_> = clients.collect();
        tokio::time::sleep(Duration::from_millis(50 + end as u64 * 37 % 100)).await;
        fixture.ask_to_end();
        for client in join_all(clients).await {
            answered += client.unwrap();
        }
        let status = fixture.ended(Duration::from_secs(20)).await;
        assert_eq!(status.code(), Some(0), "{}", fixture.log());
        fixture.restart().await;
    }
    print("ends", ends);
    print("connections, each answered or refused", answered);
    assert!(answered > ends * 12, "{answered}");
}

/// Connections that the system has accepted, and the server not yet, when it is asked to end.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_accepted_when_the_server_ends_is_answered(
    #[values("10000", "4")] connections: &str,
) {
    let setup = Setup::new(Backend::Sqlite).with("SERVER__MAX_CONNECTIONS", connections);
    let mut fixture = setup.start().await;
    let mut idle = Line::open(fixture.url()).await.unwrap();
    let request = Line::get("/v1/users/me", fixture.key());
    idle.ask(&request).await.unwrap().unwrap();
    fixture.signal(Signal::STOP);
    // A request has come to a connection that would be closed for being idle, too.
    idle.send(&request).await.unwrap();
    let mut lines = vec![idle];
    for _ in 0..40 {
        let mut line = Line::open(fixture.url()).await.unwrap();
        line.send(&request).await.unwrap();
        lines.push(line);
    }
    let mut probe = Line::open(fixture.admin_url()).await.unwrap();
    probe.send(&Line::get("/livez", "")).await.unwrap();
    lines.push(probe);
    fixture.ask_to_end();
    fixture.signal(Signal::CONT);
    for (number, line) in lines.iter_mut().enumerate() {
        let reply = line.read().await;
        let reply = reply.unwrap_or_else(|error| panic!("{number} was dropped: {error}"));
        assert_eq!(reply.map(|it| it.status), Some(200), "{number}");
        assert!(matches!(line.read().await, Ok(None)), "{number} is closed");
    }
    let status = fixture.ended(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{}", fixture.log());
}

fn pid(child: &Child) -> Pid {
    let id = child.id().unwrap();
    Pid::from_raw(id.try_into().unwrap()).unwrap()
}

/// Waits until a process handles the signals; before that it has not begun with anything.
async fn handles_signals(child: &Child) {
    let file = format!("/proc/{}/status", child.id().unwrap());
    let begun = Instant::now();
    loop {
        let status = std::fs::read_to_string(&file).unwrap();
        let caught = status.lines().find_map(|it| it.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        let all = [Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];
        let bit = |signal: &Signal| (caught >> (signal.as_raw() - 1)) & 1 == 1;
        if all.iter().all(bit) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{status}");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// Sends a process signals that mean nothing, a hundred a second, until this has happened.
async fn signalled_until<T>(child: &Child, happens: impl Future<Output = T>) -> T {
    let mut happens = std::pin::pin!(happens);
    for (_, signal) in IDLE.iter().cycle() {
        kill_process(pid(child), *signal).unwrap();
        let soon = tokio::time::timeout(Duration::from_millis(10), &mut happens);
        if let Ok(happened) = soon.await {
            return happened;
        }
    }
    unreachable!("signals are sent for ever")
}

fn quickstart(data: &Path) -> tokio::process::Command {
    let mut command = command();
    command
        .args(["quickstart", "--json", "--listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(data)
        .stdout(Stdio::piped());
    command
}

async fn first_line(child: &mut Child) -> Value {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    serde_json::from_str(&line).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_goes_on_under_hup_usr1_and_usr2() {
    for _ in 0..rounds(2, 100) {
        let folder = TempDir::new().unwrap();
        let mut child = quickstart(&folder.path().join("data"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        handles_signals(&child).await;
        let stdout = child.stdout.take();
        let mut lines = BufReader::new(stdout.unwrap()).lines();
        let line = signalled_until(&child, lines.next_line()).await;
        let facts: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
        assert!(facts["api_key"].is_string(), "{facts}");
        kill_process(pid(&child), Signal::QUIT).unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    }
}

#[rstest]
#[case::term(Signal::TERM)]
#[case::quit(Signal::QUIT)]
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_asked_to_end_is_finished_before_it_does(#[case] signal: Signal) {
    let points = rounds(3, 100);
    for point in 0..points {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let mut child = quickstart(&data).stderr(Stdio::null()).spawn().unwrap();
        handles_signals(&child).await;
        // A first start takes some tenths of a second.
        let wait = Duration::from_millis(400) * u32::try_from(point).unwrap();
        tokio::time::sleep(wait / u32::try_from(points).unwrap()).await;
        kill_process(pid(&child), signal).unwrap();
        let facts = first_line(&mut child).await;
        assert!(facts["api_key"].is_string(), "{point}: {facts}");
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{point}");
        // Nothing has to be begun again.
        assert!(!data.join("unfinished").exists(), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_starts_under_hup_usr1_and_usr2() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("vestibule.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
         [keys]\nmaster_key = \"{}\"\n[store]\nurl = \"sqlite:vestibule.db\"\n",
        "42".repeat(32)
    );
    vestibule_e2e::write_private(&file, &text);
    let on = |name: &str| {
        let mut command = command();
        command.arg(name).arg("--config").arg(&file);
        command
    };
    assert!(on("migrate").output().await.unwrap().status.success());
    for _ in 0..rounds(2, 100) {
        let log = folder.path().join("log");
        let to = File::create(&log).unwrap();
        let mut child = on("serve").stderr(to).spawn().unwrap();
        handles_signals(&child).await;
        let serves = async {
            while !std::fs::read_to_string(&log).unwrap().contains("serving") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        signalled_until(&child, serves).await;
        kill_process(pid(&child), Signal::QUIT).unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    }
}
