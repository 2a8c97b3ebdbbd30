//! A proxy that lets a database seem further away than it is.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Passes connections on to `target`, and each answer `delay` after it came. Gives the port.
pub(crate) async fn start(target: String, delay: Duration) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(&target).await else {
                    return;
                };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Duration::ZERO));
                pass(from_server, to_client, delay).await;
            });
        }
    });
    Ok(port)
}

/// Passes bytes on, each `delay` after it was read: a distance, not a narrow line.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
    let mut buffer = vec![0; 64 * 1_024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..read).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + delay, bytes)).is_err() {
            return;
        }
    }
}

/// The URL of the same database by way of another port of this machine, and where it is.
pub(crate) fn by_way_of(url: &str, port: u16) -> Result<(String, String)> {
    let (scheme, rest) = url.split_once("://").context("a URL")?;
    let (authority, database) = rest.split_once('/').context("the URL of a database")?;
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (format!("{user}@"), address),
        None => (String::new(), authority),
    };
    let target = if address.contains(':') {
        address.to_owned()
    } else {
        format!("{address}:5432")
    };
    let url = format!("{scheme}://{user}127.0.0.1:{port}/{database}");
    Ok((url, target))
}
