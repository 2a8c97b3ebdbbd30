//! The cost of one tenant's load to another: the 99th percentile of a neighbour's key creations and
//! sign-ins, alone and beside each load, in one run, on SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::tenant::{Tenant, fill};
use crate::client::Connection;
use crate::footprint::Vestibule;
use crate::storm::percentile;

mod tenant;

const DURATION: Duration = Duration::from_secs(20);
/// The neighbour creates a key so often, and signs in at every tenth time.
const EVERY: Duration = Duration::from_millis(50);

fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let typed = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
    };
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n{typed}\r\n{body}")
        .into_bytes()
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}")
}

/// A load: so many connections, which send these in turn, whatever the answers are.
struct Load {
    name: &'static str,
    connections: usize,
    requests: Vec<Vec<u8>>,
}

impl Tenant {
    fn loads(&self) -> Vec<Load> {
        let cookie = format!("Cookie: vestibule={0}", self.owner_cookie.expose());
        let page = format!("/organization/{}/keys", self.organization);
        let create = r#"{"name":"bench"}"#;
        let flood = self.flooding.iter();
        let flood = flood.map(|key| {
            let key = bearer(key.expose());
            request("GET", "/v1/user-permissions", &key, "")
        });
        vec![
            Load {
                name: "pages of 1,000,000 keys",
                connections: 6,
                requests: vec![request("GET", &page, &cookie, "")],
            },
            Load {
                name: "key creations of a user with 300,000 deleted keys",
                connections: 24,
                requests: vec![request(
                    "POST",
                    "/v1/api-keys",
                    &bearer(self.churning.expose()),
                    create,
                )],
            },
            Load {
                name: "denials of a member with 100 keys",
                connections: 32,
                requests: flood.collect(),
            },
        ]
    }
}

/// Keeps a load up until it is told to end; how many were answered.
async fn keep_up(port: u16, load: Load, end: Arc<AtomicBool>) -> usize {
    let requests = Arc::new(load.requests);
    let mut tasks = tokio::task::JoinSet::new();
    for first in 0..load.connections {
        let (requests, end) = (Arc::clone(&requests), Arc::clone(&end));
        tasks.spawn(async move {
            let (mut answered, mut connection) = (0, None);
            while !end.load(Ordering::Relaxed) {
                let Some(open) = &mut connection else {
                    connection = Connection::open(port).await.ok();
                    continue;
                };
                let number = (first + answered) % requests.len();
                match open
                    .ask(requests.get(number).map_or(&[][..], Vec::as_slice))
                    .await
                {
                    Ok(_) => answered += 1,
                    Err(_) => connection = None,
                }
            }
            answered
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// The neighbour, who is in the first organisation of the quickstart.
struct Neighbour {
    port: u16,
    key: String,
    sign_in: Vec<u8>,
}

impl Neighbour {
    /// Returns the times that keys took to create, and those that sign-ins took.
    async fn live(&self) -> Result<(Vec<Duration>, Vec<Duration>)> {
        let mut connection = Connection::open(self.port).await?;
        let create = request(
            "POST",
            "/v1/api-keys",
            &bearer(&self.key),
            r#"{"name":"neighbour"}"#,
        );
        let (mut keys, mut sign_ins) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while start.elapsed() < DURATION {
            let asked = Instant::now();
            let status = connection.ask(&create).await?;
            keys.push(asked.elapsed());
            if status == 201 {
                let made: Value = serde_json::from_slice(connection.body())?;
                let id = made["id"].as_str().context("the key's id")?;
                let path = format!("/v1/api-keys/{id}");
                let delete = request("DELETE", &path, &bearer(&self.key), "");
                connection.ask(&delete).await?;
            }
            if keys.len() % 10 == 0 {
                let asked = Instant::now();
                connection.ask(&self.sign_in).await?;
                sign_ins.push(asked.elapsed());
            }
            tokio::time::sleep(EVERY).await;
        }
        Ok((keys, sign_ins))
    }
}

pub(crate) fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    // The first start alone tells the secrets.
    let facts = Vestibule::start(&data, &[])?.facts.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let tenant = runtime.block_on(fill(&data.join("vestibule.db")))?;
    let server = Vestibule::start(
        &data,
        &[
            (
                "VESTIBULE_LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE",
                "1000000",
            ),
            ("VESTIBULE_LIMITS__SIGN_IN_PER_EMAIL_PER_MINUTE", "1000000"),
            ("VESTIBULE_LIMITS__API_KEYS_PER_USER_PER_DAY", "1000000"),
            ("VESTIBULE_SESSIONS__COOKIE_NAME", "vestibule"),
        ],
    )?;
    let fact = |pointer: &str| {
        let text = facts.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned).context("a fact of quickstart")
    };
    let body = serde_json::json!({
        "email": fact("/users/0/email")?, "password": fact("/users/0/password")?,
    });
    let path = "/v1/auth/pw/signin";
    let neighbour = Neighbour {
        port: server.port,
        key: fact("/api_key")?,
        sign_in: request("POST", path, "Accept: */*", &body.to_string()),
    };
    println!("a neighbour's key creations and sign-ins, SQLite, p99 (bar: 2 × alone)");
    let (mut keys, mut sign_ins) = runtime.block_on(neighbour.live())?;
    ensure!(!sign_ins.is_empty(), "no sign-in in time");
    let alone = (percentile(&mut keys, 99), percentile(&mut sign_ins, 99));
    println!("  alone: {:.1} ms, {:.1} ms", alone.0, alone.1);
    for load in tenant.loads() {
        let (name, end) = (load.name, Arc::new(AtomicBool::new(false)));
        let load = runtime.spawn(keep_up(server.port, load, Arc::clone(&end)));
        let lived = runtime.block_on(neighbour.live());
        end.store(true, Ordering::Relaxed);
        let answered = runtime.block_on(load)?;
        let (mut keys, mut sign_ins) = lived?;
        let beside = (percentile(&mut keys, 99), percentile(&mut sign_ins, 99));
        println!(
            "  beside {answered} {name}: {:.1} ms ({:.1} ×), {:.1} ms ({:.1} ×)",
            beside.0,
            beside.0 / alone.0,
            beside.1,
            beside.1 / alone.1
        );
    }
    Ok(())
}
