//! What a deserializer says of a field, in our words.

use std::borrow::Cow;

use crate::FieldError;

/// Turns the deserializer's words into ours. They may quote the value; ours never do. `whole` is
/// what the fields are of, `body` or `query`.
pub(crate) fn field_error(whole: &str, path: &str, error: &str) -> FieldError {
    let message = error
        .rsplit_once(" at line ")
        .map_or(error, |(message, _)| message);
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let here = match path {
        "" | "." => whole.to_owned(),
        path => path.to_owned(),
    };
    // The path ends in the unknown name already, where there is one.
    let named = if path.ends_with(quoted) {
        here.clone()
    } else {
        below(path, quoted)
    };
    let expected = |or| message.rsplit_once("expected ").map_or(or, |(_, it)| it);
    let begins = |with| message.starts_with(with);
    let (field, reason, message): (_, _, Cow<'_, str>) = if begins("missing field") {
        (below(path, quoted), "missing_field", "is required".into())
    } else if begins("unknown field") {
        let expected = message
            .split_once("expected ")
            .map_or("no field at all", |(_, expected)| expected);
        let text = format!("is not a field here; expected {expected}");
        (named, "unknown_field", text.into())
    } else if begins("duplicate field") {
        (named, "duplicate_field", "must be given once".into())
    } else if begins("invalid type") || begins("invalid length") {
        let expected = kind(expected("of another type"));
        (here, "wrong_type", format!("must be {expected}").into())
    } else if begins("unknown variant") || begins("invalid value") {
        let expected = kind(expected("one of the documented values"));
        (here, "invalid_value", format!("must be {expected}").into())
    } else if let Some((reason, text)) = of_a_text(message) {
        (here, reason, text.into())
    } else {
        (here, "invalid_value", message.into())
    };
    FieldError {
        field: cut(field),
        reason: reason.into(),
        message: message.into_owned(),
    }
}

/// No field of ours has so long a name. The caller, who knows the rest, is not sent all of it back.
fn cut(name: String) -> String {
    const MOST: usize = 200;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

fn below(path: &str, name: &str) -> String {
    match path {
        "" | "." => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// A type as JSON calls it.
fn kind(expected: &str) -> &str {
    match expected {
        "a sequence" => "an array",
        "a map" => "an object",
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("tuple") => "an array",
        _ => expected,
    }
}

/// Translates the standard library's error about a text that is no number or no boolean, as
/// parameters of a query are.
fn of_a_text(message: &str) -> Option<(&'static str, &'static str)> {
    Some(match message {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            ("out_of_range", "must be a whole number")
        }
        "number too large to fit in target type" => {
            ("out_of_range", "is too large: must be a smaller number")
        }
        "number too small to fit in target type" => {
            ("out_of_range", "is too small: must be a larger number")
        }
        "invalid float literal" | "cannot parse float from empty string" => {
            ("out_of_range", "must be a number")
        }
        "provided string was not `true` or `false`" => ("invalid_value", "must be true or false"),
        _ => return None,
    })
}
