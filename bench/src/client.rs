//! A plain HTTP/1.1 client: keep-alive connections that send prepared bytes and wait for the
//! answer before they send again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one connection needs to send requests and read their answers.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4_096),
        })
    }

    /// Sends a request and reads its answer to the end; gives the status.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
            if let Some(status) = complete(&self.buffer)? {
                return Ok(status);
            }
        }
    }
}

impl Connection {
    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
        end.and_then(|end| self.buffer.get(end + 4..))
            .unwrap_or_default()
    }
}

/// The status of an answer that has arrived in full.
fn complete(bytes: &[u8]) -> Result<Option<u16>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let length: usize = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim())
        })
        .unwrap_or("0")
        .parse()?;
    if bytes.len() < end + 4 + length {
        return Ok(None);
    }
    let status = head
        .split(' ')
        .nth(1)
        .context("an answer without a status")?;
    Ok(Some(status.parse()?))
}

/// Sends `count` requests over `connections` keep-alive connections, the prepared ones in turn, and
/// expects 200 each time.
pub(crate) async fn load(
    port: u16,
    connections: usize,
    count: usize,
    requests: &Arc<Vec<Vec<u8>>>,
) -> Result<()> {
    load_answered(port, connections, count, requests, 200).await
}

/// The same, where another status is expected.
pub(crate) async fn load_answered(
    port: u16,
    connections: usize,
    count: usize,
    requests: &Arc<Vec<Vec<u8>>>,
    expected: u16,
) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    // A client that sleeps has to be woken, and the server's processor pays for that: the more
    // the slower it answers. This one never sleeps.
    let awake = tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (next, requests) = (Arc::clone(&next), Arc::clone(requests));
        tasks.spawn(async move {
            let mut connection = Connection::open(port).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let status = connection.ask(&requests[number % requests.len()]).await?;
                ensure!(status == expected, "a request was answered {status}");
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    awake.abort();
    Ok(())
}

/// Sends one request `rate` times a second for `duration` over `connections`, and gives the
/// latencies, counted from the moment at which each request was due.
pub(crate) async fn steady(
    port: u16,
    connections: usize,
    rate: u32,
    duration: Duration,
    request: &Arc<Vec<u8>>,
) -> Result<Vec<Duration>> {
    let start = Instant::now();
    let every = Duration::from_secs(1) / rate * u32::try_from(connections)?;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..connections {
        let request = Arc::clone(request);
        let offset = Duration::from_secs(1) / rate * u32::try_from(number)?;
        tasks.spawn(async move {
            let mut connection = Connection::open(port).await?;
            let mut latencies = Vec::new();
            let mut due = start + offset;
            while due < start + duration {
                tokio::time::sleep_until(due.into()).await;
                let status = connection.ask(&request).await?;
                ensure!(status == 200, "a check was answered {status}");
                latencies.push(due.elapsed());
                due += every;
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    Ok(latencies)
}
