//! Single sign-on: what a callback costs the server, and what sign-ins cost that are under way.
//!
//! The provider runs in this process, so that its time is not the server's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use vestibule_devtools::dev_idp::{self, CLIENT_ID, DevIdpParts};
use vestibule_model::{OsEntropy, SystemClock};
use vestibule_sso::PlainClientSecret;

use crate::client::Connection;
use crate::cpu;
use crate::footprint::{Vestibule, binary};

/// Sign-ins that are measured; those before them warm up what is remembered of the provider.
const CALLBACKS: u32 = 400;
const WARM_UP: u32 = 50;
/// As many as one organisation may have under way.
const PENDING: usize = 10_000;
const SECRET: &str = "measured";
const APP: &str = "https://app.example.com/callback";

/// A server with a connection to a provider in this process.
struct World {
    server: Vestibule,
    tenant: String,
}

/// One request on a connection of its own; the answer's head and body.
fn exchange(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The value of a header.
fn header<'a>(answer: &'a str, name: &str) -> Result<&'a str> {
    let value = headers(answer, name).next();
    value.with_context(|| format!("no {name} in {answer}"))
}

fn headers<'a>(answer: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = answer.split("\r\n\r\n").next().unwrap_or_default().lines();
    lines.filter_map(move |line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The cookies that an answer sets, without their attributes.
fn cookies(answer: &str) -> Vec<&str> {
    let set = headers(answer, "set-cookie");
    set.map(|cookie| cookie.split(';').next().unwrap_or_default())
        .collect()
}

/// The port and the path of a URL of this machine.
fn parts(url: &str) -> Result<(u16, &str)> {
    let rest = url.strip_prefix("http://").context("a URL")?;
    let (authority, _) = rest.split_once('/').context("a path")?;
    let (_, port) = authority.rsplit_once(':').context("a port")?;
    Ok((port.parse()?, &rest[authority.len()..]))
}

impl World {
    fn start(folder: &Path, runtime: &tokio::runtime::Runtime) -> Result<Self> {
        let server = Vestibule::start(
            folder,
            &[
                ("VESTIBULE_SSO__ALLOWED_NETWORKS", "127.0.0.1/32"),
                ("VESTIBULE_SSO__PLAIN_HTTP_HOSTS", "127.0.0.1"),
                (
                    "VESTIBULE_LIMITS__SSO_STARTS_PER_ADDRESS_PER_MINUTE",
                    "1000000",
                ),
            ],
        )?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let issuer = dev_idp::issuer(listener.local_addr()?);
        let provider = DevIdpParts {
            client_secret: PlainClientSecret::new(SECRET),
            callbacks: format!("http://127.0.0.1:{}/v1/auth/sso/callback/", server.port),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        };
        runtime.block_on(async {
            dev_idp::serve(listener, provider, std::future::pending())
                .map_err(|failure| anyhow::anyhow!("{failure}"))
        })?;

        let fact = |pointer: &str| {
            let text = server.facts.pointer(pointer).and_then(Value::as_str);
            text.map(str::to_owned).context("a fact of quickstart")
        };
        let (key, tenant) = (fact("/api_key")?, fact("/organizations/0/id")?);
        let create = |path: &str, body: &Value| {
            let headers =
                format!("Authorization: Bearer {key}\r\nContent-Type: application/json\r\n");
            let answer = exchange(server.port, "POST", path, &headers, &body.to_string())?;
            ensure!(answer.starts_with("HTTP/1.1 201"), "{path}: {answer}");
            Ok(())
        };
        let settings = json!({ "issuer": issuer, "client_id": CLIENT_ID, "just_in_time": true });
        let connection = json!({
            "name": "Measured", "settings": settings, "client_secret": SECRET,
        });
        create("/v1/sso/connections", &connection)?;
        create("/v1/sso/redirect-uris", &json!({ "uri": APP }))?;
        for arguments in [
            &["sso", "domain", "add", &tenant, "example.com"][..],
            &[
                "sso",
                "domain",
                "verify",
                &tenant,
                "example.com",
                "--assert",
            ],
        ] {
            let mut command = Command::new(binary()?);
            command.arg("--data-dir").arg(folder).args(arguments);
            let done = command.output()?;
            let said = String::from_utf8_lossy(&done.stderr);
            ensure!(done.status.success(), "{arguments:?}: {said}");
        }
        Ok(Self { server, tenant })
    }

    fn start_path(&self) -> String {
        let app = APP.replace(':', "%3A").replace('/', "%2F");
        format!("/v1/auth/sso/{}/start?redirect_uri={app}", self.tenant)
    }

    /// A browser as far as the callback: its path, and the cookie.
    fn up_to_callback(&self) -> Result<(String, String)> {
        let begun = exchange(self.server.port, "GET", &self.start_path(), "", "")?;
        let cookie = cookies(&begun).join("; ");
        let at = format!("{}&email=cleo@example.com", header(&begun, "location")?);
        let (port, path) = parts(&at)?;
        let picked = exchange(port, "GET", path, "", "")?;
        let (_, path) = parts(header(&picked, "location")?)?;
        Ok((path.to_owned(), cookie))
    }

    /// Brings browsers back; the processor time of the server for each.
    fn come_back(&self, count: u32) -> Result<Duration> {
        let browsers: Vec<_> = (0..count)
            .map(|_| self.up_to_callback())
            .collect::<Result<_>>()?;
        let before = cpu::run_time(self.server.pid())?;
        for (path, cookie) in &browsers {
            let headers = format!("Cookie: {cookie}\r\n");
            let end = exchange(self.server.port, "GET", path, &headers, "")?;
            let location = header(&end, "location")?;
            ensure!(location.contains("#access_token="), "{end}");
        }
        Ok(cpu::run_time(self.server.pid())?.saturating_sub(before) / count)
    }
}

/// Bytes in MiB.
fn mebibytes(bytes: u64) -> f64 {
    u32::try_from(bytes / 1_024).map_or(f64::INFINITY, f64::from) / 1_024.0
}

/// What the database takes on the disk.
fn stored(folder: &Path) -> u64 {
    let files = ["vestibule.db", "vestibule.db-wal"].map(|name| folder.join(name));
    let lengths = files.iter().map(std::fs::metadata);
    lengths.map(|file| file.map_or(0, |file| file.len())).sum()
}

pub(crate) fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let world = World::start(&data, &runtime)?;
    println!("single sign-on, the provider in another process, SQLite");
    world.come_back(WARM_UP)?;
    let mut costs = Vec::new();
    for _ in 0..5 {
        costs.push(world.come_back(CALLBACKS / 5)?.as_secs_f64() * 1e3);
    }
    println!(
        "  a callback with warm metadata: {:.2} ms of the server's processor time (bar 5)",
        cpu::median(costs)
    );

    let pid = world.server.pid();
    let (memory, disk) = (cpu::memory(pid, "VmRSS")?, stored(&data));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        world.start_path()
    )
    .into_bytes();
    runtime.block_on(async {
        let mut connection = Connection::open(world.server.port).await?;
        for number in 0..PENDING {
            let status = connection.ask(&request).await?;
            ensure!(status == 303, "start {number} was answered {status}");
        }
        anyhow::Ok(())
    })?;
    let grown = cpu::memory(pid, "VmRSS")?.saturating_sub(memory);
    println!(
        "  {PENDING} pending sign-ins: {:.1} MiB of memory more, {:.1} MiB on the disk (bar 20)",
        mebibytes(grown),
        mebibytes(stored(&data).saturating_sub(disk))
    );
    println!("  they are in their browsers, sealed; all expire after 10 minutes");
    Ok(())
}
