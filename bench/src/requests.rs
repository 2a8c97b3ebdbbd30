//! Figure 1: a fully checked request against a bare handler, by processor time.

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::fixture::{self, PATH};
use crate::server::{Kind, Server};
use crate::{client, cpu};

pub(crate) const CONNECTIONS: usize = 32;
const REQUESTS: usize = 20_000;
const ROUNDS: usize = 3;
/// Where a process has its memory and its code is luck, and luck counts for several hundredths: so
/// many processes are measured.
const PAIRS: usize = 21;

pub(crate) fn request(headers: &str) -> Vec<u8> {
    get(PATH, headers)
}

pub(crate) fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n").into_bytes()
}

/// Measures every case, or the one named `only`.
pub(crate) fn measure(only: Option<&str>) -> Result<()> {
    let callers = fixture::callers()?;
    let bearer = |token: &str| request(&format!("Authorization: Bearer {token}"));
    let many: Vec<_> = callers
        .keys
        .iter()
        .map(|key| bearer(key.expose()))
        .collect();
    let cookie = format!("Cookie: __Host-vestibule={}", callers.cookie.expose());
    let cases = [
        ("one key", vec![many[0].clone()]),
        ("100,000 keys", many),
        ("access token", vec![bearer(&callers.token)]),
        ("session cookie", vec![request(&cookie)]),
    ];
    let runtime = client()?;
    println!("a checked request against a bare handler with the same headers, processor time");
    println!("(goal 1.05 for one key, 1.12 over 100,000; first bar 1.10 and 1.25)");
    for (name, requests) in cases {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        // Over many keys the order is shuffled by a step that is coprime to their number, so that
        // neighbours in memory are not neighbours in time.
        let shuffled: Vec<_> = (0..requests.len())
            .map(|index| requests[index * 7_919 % requests.len()].clone())
            .collect();
        let requests = Arc::new(shuffled);
        let (mut of_bare, mut of_checked, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let (bare, checked) = (
                Server::start(Kind::Bare, None)?,
                Server::start(Kind::Checked, None)?,
            );
            // Every credential is seen once before anything is counted.
            cost(&runtime, &bare, &requests, requests.len().max(REQUESTS))?;
            cost(&runtime, &checked, &requests, requests.len().max(REQUESTS))?;
            for _ in 0..ROUNDS {
                let (a, b) = (
                    cost(&runtime, &bare, &requests, REQUESTS)?,
                    cost(&runtime, &checked, &requests, REQUESTS)?,
                );
                of_bare.push(a);
                of_checked.push(b);
                ratios.push(b / a);
            }
        }
        println!(
            "  {name:<16} bare {:.2} µs, checked {:.2} µs, ratio {:.3}",
            cpu::median(of_bare),
            cpu::median(of_checked),
            cpu::median(ratios)
        );
    }
    Ok(())
}

/// Microseconds of the server's processor time for each of `count` requests.
pub(crate) fn cost(
    runtime: &Runtime,
    server: &Server,
    requests: &Arc<Vec<Vec<u8>>>,
    count: usize,
) -> Result<f64> {
    let before = cpu::run_time(server.id())?;
    runtime.block_on(client::load(server.port, CONNECTIONS, count, requests))?;
    let spent = cpu::run_time(server.id())?.saturating_sub(before);
    Ok(spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(count)?))
}

/// The client's runtime, on a processor of its own.
pub(crate) fn client() -> Result<Runtime> {
    cpu::pin(None, 1)?;
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(8)
        .build()?)
}
