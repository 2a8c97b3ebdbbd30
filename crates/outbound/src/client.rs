//! Sending requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::config::{Config, Limits, OutboundConfigError};
use crate::connect::Connector;
use crate::error::{DnsError, OutboundError};
use crate::guard::Guard;
use crate::request::{Answer, Request};
use crate::resolver::Resolver;
use crate::slots::Slots;
use crate::tls;
use crate::url::Url;

/// The most header fields that an answer may have.
const MOST_HEADERS: usize = 100;

/// Hyper's own least size of a buffer.
const LEAST_HEAD: usize = 8_192;

const USER_AGENT: &str = concat!("vestibule/", env!("CARGO_PKG_VERSION"));

/// The way out. Cheap to clone; clones share their limits.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    connector: Connector,
    slots: Slots,
    limits: Limits,
}

impl Outbound {
    /// A way out as the operator configured it, with names from `resolver`.
    pub fn new(config: Config, resolver: Arc<dyn Resolver>) -> Result<Self, OutboundConfigError> {
        let tls = tls::client(&config.extra_roots)?;
        Ok(Self(Arc::new(Inner {
            connector: Connector {
                resolver,
                guard: Guard::allowing(config.allowed_networks),
                plain_http_hosts: config.plain_http_hosts,
                allowed_sockets: config.allowed_sockets,
                tls,
            },
            slots: Slots::new(&config.limits),
            limits: config.limits,
        })))
    }

    /// Checks that a URL's scheme is allowed for its host.
    pub fn check_scheme(&self, url: &Url) -> Result<(), OutboundError> {
        self.0.connector.check_scheme(url)
    }

    /// Checks that every address of a URL's host is allowed now. [`send`](Self::send) checks again
    /// when it connects.
    pub async fn check_address(&self, url: &Url) -> Result<(), OutboundError> {
        let look_up = self.0.connector.addresses(url);
        within(self.0.limits.connect, look_up).await.map(|_| ())
    }

    /// The TXT records of a name, asked for `key`, under the same caps of time and number.
    pub async fn texts(&self, key: &str, name: &str) -> Result<Vec<String>, OutboundError> {
        let look_up = async {
            let _turn = self.0.slots.enter(key).await?;
            let texts = self.0.connector.resolver.texts(name).await;
            texts.map_err(|error: DnsError| OutboundError::Dns(error))
        };
        within(self.0.limits.total, look_up).await
    }

    /// Sends a request on behalf of `key` (an organisation) and reads the whole answer.
    pub async fn send(&self, key: &str, request: Request) -> Result<Answer, OutboundError> {
        self.0.connector.check_scheme(&request.url)?;
        let exchange = async {
            let _turn = self.0.slots.enter(key).await?;
            self.exchange(request).await
        };
        within(self.0.limits.total, exchange).await
    }

    async fn exchange(&self, request: Request) -> Result<Answer, OutboundError> {
        let Inner {
            connector, limits, ..
        } = &*self.0;
        let stream = within(limits.connect, connector.connect(&request.url)).await?;
        let handshake = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            .max_header_size(limits.head)
            .max_buf_size(limits.head.max(LEAST_HEAD))
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|e| self.protocol(&e))?;
        let answer = async {
            let response = sender
                .send_request(prepared(request)?)
                .await
                .map_err(|e| self.protocol(&e))?;
            self.read(response).await
        };
        tokio::pin!(connection, answer);
        // The connection lives in this future and dies with it: a caller that gives up leaves
        // nothing behind.
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                _ended = &mut connection, if open => open = false,
            }
        }
    }

    async fn read(&self, response: http::Response<Incoming>) -> Result<Answer, OutboundError> {
        let (head, body) = response.into_parts();
        if head.status.is_redirection() {
            return Err(OutboundError::Redirect {
                status: head.status.as_u16(),
            });
        }
        let encoding = head.headers.get(header::CONTENT_ENCODING);
        // A small compressed body could grow past the limit in memory.
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(OutboundError::Protocol {
                detail: "it is compressed, which was not asked for".to_owned(),
            });
        }
        Ok(Answer {
            status: head.status,
            body: self.collect(body).await?,
            headers: head.headers,
        })
    }

    /// The body, counted as it comes: what a length header claims is believed only when it
    /// refuses.
    async fn collect(&self, mut body: Incoming) -> Result<Bytes, OutboundError> {
        let limit = self.0.limits.body;
        let too_large = OutboundError::TooLarge { limit };
        if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(too_large);
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| self.protocol(&e))?;
            if let Ok(data) = frame.into_data() {
                if whole.len() + data.len() > limit {
                    return Err(too_large);
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole.freeze())
    }

    fn protocol(&self, error: &hyper::Error) -> OutboundError {
        if error.is_parse_too_large() {
            let limit = self.0.limits.head;
            return OutboundError::TooLarge { limit };
        }
        OutboundError::Protocol {
            detail: error.to_string(),
        }
    }
}

fn prepared(request: Request) -> Result<http::Request<Full<Bytes>>, OutboundError> {
    let Request {
        method,
        url,
        headers,
        body,
    } = request;
    let host = HeaderValue::from_str(&url.authority());
    let (Ok(host), Ok(target)) = (host, url.target().parse::<http::Uri>()) else {
        return Err(OutboundError::Protocol {
            detail: "its URL cannot be spelled in a request".to_owned(),
        });
    };
    let mut prepared = http::Request::new(Full::new(body));
    *prepared.method_mut() = method;
    *prepared.uri_mut() = target;
    let own: [(_, HeaderValue); 4] = [
        (header::HOST, host),
        (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
        (
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        ),
        (header::CONNECTION, HeaderValue::from_static("close")),
    ];
    let all: &mut HeaderMap = prepared.headers_mut();
    *all = headers;
    all.extend(own.map(|(name, value)| (Some(name), value)));
    Ok(prepared)
}

async fn within<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, OutboundError>>,
) -> Result<T, OutboundError> {
    let seconds = u64::try_from(limit.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
    tokio::time::timeout(limit, future)
        .await
        .unwrap_or(Err(OutboundError::Timeout { seconds }))
}

#[cfg(test)]
mod tests;
