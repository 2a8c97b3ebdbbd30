//! A request and its answer.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// A request that is being put together.
#[derive(Debug)]
#[must_use]
pub struct Call(reqwest::RequestBuilder);

impl Call {
    pub(crate) const fn new(request: reqwest::RequestBuilder) -> Self {
        Self(request)
    }

    /// With `Authorization: Bearer …`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With the session cookie.
    pub fn cookie(self, value: &str) -> Self {
        self.header("cookie", &format!("__Host-vestibule={value}"))
    }

    /// With the `Origin` of this URL, as a browser on its page sends it.
    pub fn origin(self, url: &str) -> Self {
        self.header("origin", url.trim_end_matches('/'))
    }

    /// With a header; one that is there already is sent beside it.
    pub fn header(self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        Self(self.0.header(name, HeaderValue::from_str(value).unwrap()))
    }

    /// With a JSON body.
    #[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
    pub fn json(self, body: Value) -> Self {
        Self(self.0.json(&body))
    }

    /// With a body as it stands and its type.
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(
            self.0
                .header("content-type", content_type)
                .body(body.into()),
        )
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("the server answers")
    }

    /// Sends it; an error where the connection fails.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.0.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        Ok(Answer {
            status,
            headers,
            text,
        })
    }
}

/// An answer, read to the end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header's value; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// A text in the body, by JSON pointer.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let body = self.json();
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer}: {}", self.text))
            .to_owned()
    }

    /// The stable cause of a problem.
    pub fn reason(&self) -> String {
        self.json()["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The session value of a `Set-Cookie`; `None` where none is set, empty where it is cleared.
    pub fn session_cookie(&self) -> Option<String> {
        let cookies = self.headers.get_all("set-cookie").into_iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
        let rest = cookies.find_map(|cookie| cookie.strip_prefix("__Host-vestibule="))?;
        Some(rest.split(';').next().unwrap().to_owned())
    }

    /// This answer, if it has the status.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "most call it for the check alone"
    )]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.text, self.headers);
        self
    }
}
