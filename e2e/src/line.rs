//! A connection in the hand: bytes go out as they are given, and a torn answer is seen.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection that is kept open between requests.
#[derive(Debug)]
pub struct Line(BufReader<TcpStream>);

/// A status and a body, read to the end.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// True if the answer says that the connection is closed after it.
    pub closes: bool,
}

impl Line {
    /// Connects to a server's URL.
    pub async fn open(url: &str) -> Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The bytes of a `GET` with a bearer credential.
    pub fn get(path: &str, bearer: &str) -> Vec<u8> {
        Self::bytes("GET", path, &format!("authorization: Bearer {bearer}"), "")
    }

    /// The bytes of a `GET` with a session cookie.
    pub fn get_with_cookie(path: &str, cookie: &str) -> Vec<u8> {
        Self::bytes(
            "GET",
            path,
            &format!("cookie: __Host-vestibule={cookie}"),
            "",
        )
    }

    /// The bytes of a request with a bearer credential and, unless it is empty, a body of JSON.
    pub fn request(method: &str, path: &str, bearer: &str, body: &str) -> Vec<u8> {
        Self::bytes(
            method,
            path,
            &format!("authorization: Bearer {bearer}"),
            body,
        )
    }

    fn bytes(method: &str, path: &str, credential: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        let kind = if body.is_empty() {
            String::new()
        } else {
            format!("content-type: application/json\r\ncontent-length: {length}\r\n")
        };
        let text =
            format!("{method} {path} HTTP/1.1\r\nhost: e2e\r\n{credential}\r\n{kind}\r\n{body}");
        text.into_bytes()
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.get_mut().write_all(bytes).await
    }

    /// Sends a whole request and reads its answer; see [`read`](Self::read).
    pub async fn ask(&mut self, request: &[u8]) -> Result<Option<Reply>> {
        self.send(request).await?;
        self.read().await
    }

    /// Reads an answer; `None` where the connection ends before its first byte. An answer that
    /// ends before its last is an error of the kind `UnexpectedEof`.
    pub async fn read(&mut self) -> Result<Option<Reply>> {
        let (mut status, mut length, mut closes) = (0, 0, false);
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.0.read_line(&mut line).await;
            match read {
                Ok(0) if status == 0 && line.is_empty() => return Ok(None),
                Err(error) if status == 0 && line.is_empty() => return Err(error),
                Ok(0) | Err(_) => return Err(torn()),
                Ok(_) if !line.ends_with("\r\n") => return Err(torn()),
                Ok(_) => {}
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if status == 0 {
                let code = text.split(' ').nth(1).unwrap_or_default();
                status = code.parse().map_err(Error::other)?;
            } else if let Some((name, value)) = text.split_once(": ") {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().map_err(Error::other)?;
                } else if name.eq_ignore_ascii_case("connection") {
                    closes = value.eq_ignore_ascii_case("close");
                }
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.map_err(|_| torn())?;
        let body = String::from_utf8(body).map_err(Error::other)?;
        Ok(Some(Reply {
            status,
            body,
            closes,
        }))
    }
}

fn torn() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "the answer is torn")
}
