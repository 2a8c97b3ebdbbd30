//! Unambiguous JSON.
//!
//! Two parsers of the same text must see the same claims, so a repeated name is refused at any
//! depth (RFC 8725, 2.4; RFC 8259, 4 permits it). Numbers beyond the range of a float, such as
//! `1e400`, are refused as well.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The number of values that one document may hold: parsed values take many times the memory of
/// their text.
const MOST_VALUES: usize = 20_000;

const REPEATED: &str = "repeated name";
const TOO_MANY: &str = "too many values";

/// The fault of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// It is not JSON, nested too deeply, or holds a number that is out of range.
    #[error("not valid JSON")]
    Syntax,
    /// It is JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object names a member twice.
    #[error("JSON that gives one name twice")]
    RepeatedName,
    /// It holds more than 20 000 values.
    #[error("JSON with too many values")]
    TooManyValues,
}

/// Reads one object and refuses anything after it.
pub(crate) fn read_object(text: &[u8]) -> Result<Map<String, Value>, JsonFault> {
    // Counted while reading: afterwards the memory would have been taken already.
    let left = Cell::new(MOST_VALUES);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict(&left)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            // serde_json carries custom errors only as text.
            let text = error.to_string();
            if text.starts_with(REPEATED) {
                JsonFault::RepeatedName
            } else if text.starts_with(TOO_MANY) {
                JsonFault::TooManyValues
            } else {
                JsonFault::Syntax
            }
        })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(JsonFault::NotAnObject),
    }
}

/// A reader that counts values down.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| D::Error::custom(TOO_MANY))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| E::custom("number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(REPEATED));
            }
            let value = members.next_value_seed(self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":1,"a":1}"#, JsonFault::RepeatedName)]
    #[case(r#"{"a":1,"\u0061":2}"#, JsonFault::RepeatedName)]
    #[case(r#"{"a":[{"b":1,"b":1}]}"#, JsonFault::RepeatedName)]
    #[case(r#"{"a":1e400}"#, JsonFault::Syntax)]
    #[case(r#"{"a":NaN}"#, JsonFault::Syntax)]
    #[case(r#"{"a":1,}"#, JsonFault::Syntax)]
    #[case(r#"{"a":1} x"#, JsonFault::Syntax)]
    #[case("", JsonFault::Syntax)]
    #[case("[]", JsonFault::NotAnObject)]
    #[case("\"{}\"", JsonFault::NotAnObject)]
    fn ambiguous_documents_are_refused(#[case] text: &str, #[case] fault: JsonFault) {
        assert_eq!(read_object(text.as_bytes()), Err(fault));
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(read_object(deep.as_bytes()), Err(JsonFault::Syntax));
        let wide = format!("{{\"a\":[{}0]}}", "0,".repeat(MOST_VALUES));
        assert_eq!(read_object(wide.as_bytes()), Err(JsonFault::TooManyValues));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_library_reads(text in r#"\{("[a-c]":([0-9]|"x"|\[1\]),?){0,4}\}"#) {
            if let Ok(object) = read_object(text.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::Object(object));
            }
        }
    }
}
