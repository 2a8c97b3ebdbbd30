//! The committed description of the interface.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::chore;

const SNAPSHOT: &str = "docs/openapi.json";

/// Writes the snapshot from the built server, or compares with it.
pub(crate) fn run(check: bool) -> Result<()> {
    let mut now = chore::output(chore::command(chore::server()).arg("openapi"))?;
    if !now.ends_with('\n') {
        now.push('\n');
    }
    let path = chore::root().join(SNAPSHOT);
    if !check {
        return fs::write(&path, now).with_context(|| format!("cannot write {SNAPSHOT}"));
    }
    let committed = fs::read_to_string(&path).with_context(|| format!("cannot read {SNAPSHOT}"))?;
    match first_difference(&canonical(&committed)?, &canonical(&now)?) {
        None => Ok(()),
        Some((line, before, after)) => bail!(
            "{SNAPSHOT} is not what the server says, first in line {line} of its sorted form; \
             if the change is meant, run `cargo xtask openapi` and commit\n\
             committed: {before}\n   server: {after}"
        ),
    }
}

/// The document with the members of its objects in the order of their names. The server's own order
/// depends on what it was built along with.
fn canonical(document: &str) -> Result<String> {
    let mut document: Value =
        serde_json::from_str(document).context("the description is not JSON")?;
    document.sort_all_objects();
    Ok(serde_json::to_string_pretty(&document)?)
}

fn first_difference<'a>(left: &'a str, right: &'a str) -> Option<(usize, &'a str, &'a str)> {
    const END: &str = "(end of file)";
    let mut left = left.lines();
    let mut right = right.lines();
    let mut line = 0;
    loop {
        line += 1;
        match (left.next(), right.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some((line, a.unwrap_or(END), b.unwrap_or(END))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_makes_no_difference() {
        let one = canonical(r#"{"b": [{"d": 1, "c": 2}], "a": 3}"#).unwrap();
        let other = canonical(r#"{"a": 3, "b": [{"c": 2, "d": 1}]}"#).unwrap();
        assert_eq!(one, other);
        let list = canonical(r#"{"a": 3, "b": []}"#).unwrap();
        assert_ne!(one, list);
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b", "c")));
        assert_eq!(
            first_difference("a\n", "a\nb\n"),
            Some((2, "(end of file)", "b"))
        );
    }
}
