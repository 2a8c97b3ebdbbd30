//! Answers of the provider, read strictly.

use serde_json::{Map, Value};
use vestibule_outbound::{Answer, Outbound, Request, Url};

use crate::json;
use crate::refusal::{Refusal, Step};

/// Sends a request for `key`; any status but a redirect is an answer.
pub(crate) async fn send(
    outbound: &Outbound,
    key: &str,
    step: Step,
    request: Request,
) -> Result<Answer, Refusal> {
    outbound
        .send(key, request)
        .await
        .map_err(|error| Refusal::Outgoing { step, error })
}

/// Sends a request whose answer must be a success.
pub(crate) async fn succeed(
    outbound: &Outbound,
    key: &str,
    step: Step,
    request: Request,
) -> Result<Answer, Refusal> {
    let answer = send(outbound, key, step, request).await?;
    answer
        .success()
        .map_err(|error| Refusal::Outgoing { step, error })
}

/// The one object that an answer holds.
pub(crate) fn object(step: Step, answer: &Answer) -> Result<Map<String, Value>, Refusal> {
    let json = |media: &str| media == "application/json" || media.ends_with("+json");
    if !answer.media_type().is_some_and(|media| json(&media)) {
        return Err(Refusal::ContentType { step });
    }
    json::read_object(&answer.body).map_err(|fault| Refusal::Json { step, fault })
}

/// A text that must be there.
pub(crate) fn text<'a>(
    step: Step,
    object: &'a Map<String, Value>,
    member: &'static str,
) -> Result<&'a str, Refusal> {
    optional_text(step, object, member)?.ok_or(Refusal::Missing { step, member })
}

/// A text that may be missing, but is nothing else.
pub(crate) fn optional_text<'a>(
    step: Step,
    object: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::Mistyped {
            step,
            member,
            expected: "a text",
        }),
    }
}

/// A list of texts that may be missing, but is nothing else.
pub(crate) fn optional_texts<'a>(
    step: Step,
    object: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<Vec<&'a str>>, Refusal> {
    let mistyped = Refusal::Mistyped {
        step,
        member,
        expected: "a list of texts",
    };
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            texts.map(Some).ok_or(mistyped)
        }
        Some(_) => Err(mistyped),
    }
}

/// A configured URL.
pub(crate) fn url(name: &'static str, text: &str) -> Result<Url, Refusal> {
    text.parse().map_err(|error| Refusal::Url { name, error })
}
