//! Figure 2: the check alone, head in, permit out.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use http::{HeaderMap, HeaderValue, Method};
use vestibule_check::{EntryPoint, RequestHead};
use vestibule_layer::{Accepts, RuleTable};

use crate::cpu;
use crate::fixture::{self, PATH, ROUTE};

const TURNS: usize = 200_000;
const ROUNDS: usize = 15;

fn head<'a>(method: &'a Method, headers: &'a HeaderMap) -> RequestHead<'a> {
    RequestHead {
        method,
        path: PATH,
        headers,
        has_body: false,
        address: None,
        request_id: None,
    }
}

fn headers(name: &'static str, value: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("127.0.0.1"));
    headers.insert("user-agent", HeaderValue::from_static("curl/8.5.0"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert(name, value);
    headers
}

/// Nanoseconds a check, the least of several rounds. Each request's head is written just before it
/// is judged, as it is in a server; what the writing costs is measured without the check and taken
/// off.
fn cost(check: &EntryPoint, name: &'static str, values: &[HeaderValue]) -> Result<f64> {
    let mut headers = headers(name, HeaderValue::from_static(""));
    let mut round = |judge: &dyn Fn(&HeaderMap) -> bool| -> Result<f64> {
        let start = Instant::now();
        for turn in 0..TURNS {
            let value = &values[turn * 7_919 % values.len()];
            // Its bytes are copied, so that they lie in the processor's cache as a socket's would.
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes())?);
            ensure!(judge(black_box(&headers)));
        }
        Ok(start.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(TURNS)?))
    };
    let (mut with, mut without) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        with = with.min(round(&|headers| {
            let verdict = check.check_known(&head(&Method::GET, headers));
            black_box(verdict).is_some_and(|verdict| verdict.is_ok())
        })?);
        without = without.min(round(&|headers| !headers.is_empty())?);
    }
    Ok(with - without)
}

/// Measures every case, or the one named `only`.
pub(crate) fn measure(only: Option<&str>) -> Result<()> {
    cpu::pin(None, 1)?;
    let table = RuleTable::builder()
        .add("GET", ROUTE, Accepts::BearerOrCookie, fixture::rule())?
        .build();
    let (check, callers) = fixture::check(table)?;
    let bearer = |token: &str| HeaderValue::from_str(&format!("Bearer {token}"));
    let keys = callers
        .keys
        .iter()
        .map(|key| bearer(key.expose()))
        .collect::<Result<Vec<_>, _>>()?;
    let token = [bearer(&callers.token)?];
    let cookie = format!("__Host-vestibule={}", callers.cookie.expose());
    let cookie = [HeaderValue::from_str(&cookie)?];
    let cases = [
        ("one key", "authorization", &keys[..1]),
        ("100,000 keys", "authorization", &keys[..]),
        ("access token", "authorization", &token[..]),
        ("session cookie", "cookie", &cookie[..]),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (_, name, values) in cases {
        for value in values {
            let headers = headers(name, value.clone());
            let verdict = runtime.block_on(check.check(&head(&Method::GET, &headers)));
            ensure!(verdict.is_ok(), "{verdict:?}");
        }
    }
    println!("the check alone, that allocates nothing (goal 200 ns, first bar 500 ns)");
    for (label, name, values) in cases {
        if only.is_some_and(|only| only != label) {
            continue;
        }
        println!("  {label:<16} {:.0} ns", cost(&check, name, values)?);
    }
    Ok(())
}
