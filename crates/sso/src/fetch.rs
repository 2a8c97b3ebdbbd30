//! Requests to the provider, and strict reading of the answers.

use serde_json::{Map, Value};
use vestibule_outbound::{Answer, Outbound, Request, Url};

use crate::json;
use crate::refusal::{SsoRefusal, Step};

/// Sends a request, counted under `key`. Any status but a redirect is an answer.
pub(crate) async fn send(
    outbound: &Outbound,
    key: &str,
    step: Step,
    request: Request,
) -> Result<Answer, SsoRefusal> {
    outbound
        .send(key, request)
        .await
        .map_err(|error| SsoRefusal::Outgoing { step, error })
}

/// Sends a request and refuses any status but a success.
pub(crate) async fn succeed(
    outbound: &Outbound,
    key: &str,
    step: Step,
    request: Request,
) -> Result<Answer, SsoRefusal> {
    let answer = send(outbound, key, step, request).await?;
    answer
        .success()
        .map_err(|error| SsoRefusal::Outgoing { step, error })
}

/// Reads the JSON object in an answer.
pub(crate) fn object(step: Step, answer: &Answer) -> Result<Map<String, Value>, SsoRefusal> {
    // A page that a proxy put in the provider's place would often parse as something.
    let json = |media: &str| media == "application/json" || media.ends_with("+json");
    if !answer.media_type().is_some_and(|media| json(&media)) {
        return Err(SsoRefusal::ContentType { step });
    }
    json::read_object(&answer.body).map_err(|fault| SsoRefusal::Json { step, fault })
}

/// Returns a required text member.
pub(crate) fn text<'a>(
    step: Step,
    object: &'a Map<String, Value>,
    member: &'static str,
) -> Result<&'a str, SsoRefusal> {
    optional_text(step, object, member)?.ok_or(SsoRefusal::Missing { step, member })
}

/// Returns an optional text member; refuses any other type.
pub(crate) fn optional_text<'a>(
    step: Step,
    object: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<&'a str>, SsoRefusal> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(SsoRefusal::Mistyped {
            step,
            member,
            expected: "a text",
        }),
    }
}

/// Returns an optional member that is a list of texts; refuses any other type.
pub(crate) fn optional_texts<'a>(
    step: Step,
    object: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<Vec<&'a str>>, SsoRefusal> {
    let mistyped = SsoRefusal::Mistyped {
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

/// Parses a configured URL.
pub(crate) fn url(name: &'static str, text: &str) -> Result<Url, SsoRefusal> {
    text.parse()
        .map_err(|error| SsoRefusal::Url { name, error })
}
