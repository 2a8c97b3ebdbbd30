//! Figures 6 and 8: 200 sign-ins at once, and how long checks take meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::{self, Connection};
use crate::cpu;
use crate::footprint::Vestibule;

const SIGN_INS_AT_ONCE: usize = 200;
const CHECKS_A_SECOND: u32 = 2_000;
const DURATION: Duration = Duration::from_secs(10);

pub(crate) fn percentile(latencies: &mut [Duration], percent: usize) -> f64 {
    latencies.sort();
    let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
    latencies.get(index).map_or(f64::NAN, Duration::as_secs_f64) * 1e3
}

pub(crate) fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // The limits for one address would turn most of the storm away before it costs anything.
    let server = Vestibule::start(
        folder.path(),
        &[
            (
                "VESTIBULE_LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE",
                "1000000",
            ),
            ("VESTIBULE_LIMITS__SIGN_IN_PER_EMAIL_PER_MINUTE", "1000000"),
        ],
    )?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned).context("a text");
    let key = text(&server.facts["api_key"])?;
    let email = text(&server.facts["users"][0]["email"])?;
    let password = text(&server.facts["users"][0]["password"])?;
    let check = Arc::new(
        format!(
            "GET /v1/users/me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
        )
        .into_bytes(),
    );
    let body = serde_json::json!({ "email": email, "password": password }).to_string();
    let sign_in = Arc::new(
        format!(
            "POST /v1/auth/pw/signin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    );
    let port = server.port;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut calm, mut stormy, answers) = runtime.block_on(async {
        let calm =
            client::steady(port, 16, CHECKS_A_SECOND, Duration::from_secs(3), &check).await?;
        let mut storm = tokio::task::JoinSet::new();
        let deadline = tokio::time::Instant::now() + DURATION;
        for _ in 0..SIGN_INS_AT_ONCE {
            let sign_in = Arc::clone(&sign_in);
            storm.spawn(async move {
                let mut connection = Connection::open(port).await?;
                let mut answers = BTreeMap::<u16, u32>::new();
                while tokio::time::Instant::now() < deadline {
                    let status = connection.ask(&sign_in).await?;
                    *answers.entry(status).or_default() += 1;
                    if status != 200 {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
                anyhow::Ok(answers)
            });
        }
        let stormy = client::steady(port, 16, CHECKS_A_SECOND, DURATION, &check).await?;
        let mut answers = BTreeMap::<u16, u32>::new();
        while let Some(of_one) = storm.join_next().await {
            for (status, count) in of_one?? {
                *answers.entry(status).or_default() += count;
            }
        }
        anyhow::Ok((calm, stormy, answers))
    })?;
    println!(
        "{SIGN_INS_AT_ONCE} sign-ins at once, with {CHECKS_A_SECOND} checks a second beside them"
    );
    println!(
        "  a check's answer, calm: p50 {:.2} ms, p99 {:.2} ms",
        percentile(&mut calm, 50),
        percentile(&mut calm, 99)
    );
    println!(
        "  a check's answer, in the storm: p50 {:.2} ms, p99 {:.2} ms (goal 1, first bar 20)",
        percentile(&mut stormy, 50),
        percentile(&mut stormy, 99)
    );
    for (status, count) in answers {
        let per_second = f64::from(count) / DURATION.as_secs_f64();
        println!("  sign-ins answered {status}: {count}, {per_second:.0} a second");
    }
    println!(
        "  peak memory {:.1} MiB (bar 256)",
        f64::from(u32::try_from(cpu::memory(server.pid(), "VmHWM")? / 1024)?) / 1024.0
    );
    Ok(())
}
