//! Requests as bytes on the socket, for what no HTTP client would send.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Answer;

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came back on a connection until the server closed it.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// Everything, heads and bodies.
    pub text: String,
}

impl RawAnswer {
    /// The status of the first answer; `None` where the connection was closed without one.
    pub fn status(&self) -> Option<u16> {
        self.text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }

    /// The first answer, as any other.
    pub fn answer(&self) -> Answer {
        let (head, body) = self.text.split_once("\r\n\r\n").unwrap();
        let fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
        let field = |(name, value): (&str, &str)| -> (HeaderName, HeaderValue) {
            (name.parse().unwrap(), value.parse().unwrap())
        };
        Answer {
            status: self.status().unwrap(),
            headers: fields.map(field).collect(),
            text: body.to_owned(),
        }
    }

    /// How many requests were answered.
    pub fn answers(&self) -> usize {
        self.text.matches("HTTP/1.1 ").count()
    }

    /// The value of a header of the first answer; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// The body of the first answer, as JSON; `null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        let body = self
            .text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_default()
    }
}

/// Sends bytes to an address and reads until the server closes; panics where it does not within
/// five seconds.
pub(crate) async fn exchange(address: &str, bytes: &[u8]) -> RawAnswer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        let (mut reading, mut writing) = stream.split();
        // Either half may fail where the server has answered and closed before it read all.
        let (_, _) = tokio::join!(writing.write_all(bytes), reading.read_to_end(&mut answer));
        String::from_utf8(answer).unwrap()
    };
    let text = tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| {
            let shown = String::from_utf8_lossy(bytes.get(..200.min(bytes.len())).unwrap_or(bytes));
            panic!("no answer to {shown}")
        });
    RawAnswer { text }
}
