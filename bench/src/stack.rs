//! A request through the whole server against a bare handler, by processor time: every layer that
//! stands around the check, and three routes that read by primary key.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::client::Connection;
use crate::footprint::Vestibule;
use crate::requests::{CONNECTIONS, client, get};
use crate::server::{Kind, Server};
use crate::{client, cpu, fixture};

const REQUESTS: usize = 20_000;
const PAIRS: usize = 11;
/// Keys on the page that is listed.
const KEYS: usize = 10;

struct Case {
    name: &'static str,
    path: &'static str,
    status: u16,
}

/// The goal for the first is 1.3, for the others 3.
const CASES: [Case; 4] = [
    Case {
        name: "404, no such route",
        path: "/v1/nothing",
        status: 404,
    },
    Case {
        name: "users/me",
        path: "/v1/users/me",
        status: 200,
    },
    Case {
        name: "ten keys",
        path: "/v1/api-keys",
        status: 200,
    },
    Case {
        name: "tenants",
        path: "/v1/tenants",
        status: 200,
    },
];

/// Measures every case with a known key, without a log line for each request and with one.
pub(crate) fn measure(only: Option<&str>) -> Result<()> {
    println!("a request of a known key through the whole server, processor time, against a bare");
    println!("handler (goal 1.3 for the 404, 3 for what is read by primary key)");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let first = Vestibule::start(&data, &[])?;
    let key = first.facts["api_key"]
        .as_str()
        .context("no key")?
        .to_owned();
    let bearer = format!("Authorization: Bearer {key}");
    let runtime = client()?;
    runtime.block_on(create_keys(first.port, &bearer))?;
    drop(first);
    for (logs, level) in [("no log", "warn"), ("a line each", "info")] {
        for case in &CASES {
            if only.is_none_or(|only| only == case.name) {
                let median = ratio(&runtime, &data, level, case, &bearer)?;
                println!(
                    "  {:<20} {logs:<12} bare {:.2} µs, server {:.2} µs, ratio {:.2}",
                    case.name, median.0, median.1, median.2
                );
            }
        }
    }
    Ok(())
}

/// Medians of the bare handler, of the server and of their ratio.
fn ratio(
    runtime: &Runtime,
    data: &std::path::Path,
    level: &str,
    case: &Case,
    bearer: &str,
) -> Result<(f64, f64, f64)> {
    let to_bare = Arc::new(vec![get(fixture::PATH, bearer)]);
    let to_server = Arc::new(vec![get(case.path, bearer)]);
    let (mut of_bare, mut of_server, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let bare = Server::start(Kind::Bare, None)?;
    // All threads of the server inherit the core that this thread is on when they start.
    cpu::pin(None, 0)?;
    let server = Vestibule::start(data, &[("VESTIBULE_LOG__LEVEL", level)]);
    cpu::pin(None, 1)?;
    let server = server?;
    for round in 0..=PAIRS {
        let a = cost(runtime, bare.id(), bare.port, &to_bare, 200)?;
        let b = cost(runtime, server.pid(), server.port, &to_server, case.status)?;
        // The first round only warms up.
        if round > 0 {
            of_bare.push(a);
            of_server.push(b);
            ratios.push(b / a);
        }
    }
    Ok((
        cpu::median(of_bare),
        cpu::median(of_server),
        cpu::median(ratios),
    ))
}

/// Microseconds of a process's time for each request.
fn cost(
    runtime: &Runtime,
    pid: u32,
    port: u16,
    requests: &Arc<Vec<Vec<u8>>>,
    status: u16,
) -> Result<f64> {
    let before = cpu::run_time(pid)?;
    runtime.block_on(client::load_answered(
        port,
        CONNECTIONS,
        REQUESTS,
        requests,
        status,
    ))?;
    let spent = cpu::run_time(pid)?.saturating_sub(before);
    Ok(spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(REQUESTS)?))
}

/// Fills the caller's page of keys up to ten.
async fn create_keys(port: u16, bearer: &str) -> Result<()> {
    let mut connection = Connection::open(port).await?;
    connection.ask(&get("/v1/api-keys", bearer)).await?;
    let listed: Value = serde_json::from_slice(connection.body())?;
    let there = listed["data"].as_array().map_or(0, Vec::len);
    for _ in there..KEYS {
        let body = r#"{"name":"bench"}"#;
        let length = body.len();
        let request = format!(
            "POST /v1/api-keys HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let status = connection.ask(request.as_bytes()).await?;
        anyhow::ensure!(status == 201, "a key was answered {status}");
    }
    Ok(())
}
