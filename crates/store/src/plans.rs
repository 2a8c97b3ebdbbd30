//! The statements that run in the tests of this crate, noted so that none is judged by nobody.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::sql::Value;

mod tests;

static SEEN: Mutex<BTreeMap<&'static str, Vec<Value>>> = Mutex::new(BTreeMap::new());

/// Notes a statement that runs.
pub(crate) fn seen(text: &'static str, values: &[Value]) {
    if !text.starts_with("EXPLAIN") {
        let mut seen = SEEN.lock().unwrap();
        seen.entry(text).or_insert_with(|| values.to_vec());
    }
}
