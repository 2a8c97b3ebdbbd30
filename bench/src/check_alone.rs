//! Figure 2: the check alone, head in, permit out.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use http::{HeaderMap, HeaderValue, Method};
use vestibule_check::{Check, RequestHead};
use vestibule_layer::{Dialect, RuleTable};

use crate::cpu;
use crate::fixture::{self, PATH, ROUTE};

const TURNS: usize = 200_000;
const ROUNDS: usize = 15;

fn head<'a>(method: &'a Method, headers: &'a HeaderMap) -> RequestHead<'a> {
    RequestHead {
        method,
        path: PATH,
        headers,
        address: None,
        request_id: None,
    }
}

fn headers(name: &'static str, value: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("127.0.0.1"));
    headers.insert("user-agent", HeaderValue::from_static("curl/8.5.0"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert(name, HeaderValue::from_str(value)?);
    Ok(headers)
}

/// Nanoseconds a check, the least of several rounds.
fn cost(check: &Check, callers: &[HeaderMap]) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for turn in 0..TURNS {
            let headers = &callers[turn * 7_919 % callers.len()];
            let verdict = check.check_known(&head(&Method::GET, headers));
            ensure!(black_box(verdict).is_some_and(|verdict| verdict.is_ok()));
        }
        let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(TURNS)?);
        least = least.min(nanos);
    }
    Ok(least)
}

pub(crate) fn measure() -> Result<()> {
    cpu::pin(None, 1)?;
    let table = RuleTable::builder()
        .add("GET", ROUTE, Dialect::Browser, fixture::rule())?
        .build();
    let (check, callers) = fixture::check(table)?;
    let bearer = |token: &str| headers("authorization", &format!("Bearer {token}"));
    let keys = callers
        .keys
        .iter()
        .map(|key| bearer(key.expose()))
        .collect::<Result<Vec<_>>>()?;
    let token = [bearer(&callers.token)?];
    let cookie = format!("__Host-vestibule={}", callers.cookie.expose());
    let cookie = [headers("cookie", &cookie)?];
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for headers in keys.iter().chain(&token).chain(&cookie) {
        let verdict = runtime.block_on(check.check(&head(&Method::GET, headers)));
        ensure!(verdict.is_ok(), "{verdict:?}");
    }
    println!(
        "the check alone (goal 200 ns, first bar 500 ns; `check/tests/allocations.rs` holds that it allocates nothing)"
    );
    for (name, callers) in [
        ("one key", &keys[..1]),
        ("100,000 keys", &keys[..]),
        ("access token", &token[..]),
        ("session cookie", &cookie[..]),
    ] {
        let nanos = cost(&check, callers)?;
        println!("  {name:<16} {nanos:.0} ns");
    }
    Ok(())
}
