//! What people read, by its name in the catalogue.

use std::collections::HashMap;
use std::sync::LazyLock;

const CATALOGUE: &str = include_str!("../catalogue/en.txt");

static TEXTS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| entries(CATALOGUE).collect());

/// `name = text` in each line; empty lines and those that begin with `#` say nothing.
fn entries(catalogue: &str) -> impl Iterator<Item = (&str, &str)> {
    catalogue
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
}

/// The text of this name, where there is one.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    TEXTS.get(name).copied()
}

/// The text of this name. A test finds every name that has none.
pub(crate) fn text(name: &'static str) -> &'static str {
    find(name).unwrap_or(name)
}

/// The text of this name with its places `{}` filled in, in order.
pub(crate) fn filled(name: &'static str, values: &[&dyn std::fmt::Display]) -> String {
    use std::fmt::Write as _;
    let mut values = values.iter();
    let mut parts = text(name).split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(value) = values.next() {
            let _ = write!(filled, "{value}");
        }
        filled.push_str(part);
    }
    filled
}

/// `t!("name")` is the text of this name, `t!("name", a, b)` the same with its places filled in.
macro_rules! t {
    ($name:literal) => {
        crate::text::text($name)
    };
    ($name:literal, $($value:expr),+) => {
        crate::text::filled($name, &[$(&$value),+])
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn sources(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    fn all_sources() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = String::new();
        sources(&root.join("src"), &mut all);
        sources(&root.join("templates"), &mut all);
        all
    }

    /// The names that are built when they are used: of fields, of what was done, of ids.
    const BUILT: &[&str] = &["field.", "done.", "role.", "capability.", "audit.", "nav."];

    #[test]
    fn every_text_that_is_used_stands_in_the_catalogue() {
        let all = all_sources();
        let used = all.split("t!(\"").skip(1);
        let names = used.filter_map(|rest| rest.split('"').next());
        // `format!("{…}")` looks alike, and a name has no such characters.
        let is_name = |name: &&str| !name.contains(['{', '\\', '<']) && name.contains('.');
        let missing: BTreeSet<_> = names
            .filter(is_name)
            .filter(|name| find(name).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn every_text_of_the_catalogue_is_used_and_stands_there_once() {
        let all = all_sources();
        let mut seen = BTreeSet::new();
        for (name, text) in entries(CATALOGUE) {
            assert!(seen.insert(name), "{name} stands there twice");
            assert!(!text.trim().is_empty(), "{name} is empty");
            let built = BUILT.iter().any(|prefix| name.starts_with(prefix));
            assert!(
                built || all.contains(&format!("\"{name}\"")),
                "{name} is not used"
            );
        }
    }

    /// A script that follows the answer to a form would load, and throw away, the only page that
    /// shows a secret, and would leave the wrong address.
    #[test]
    fn a_form_that_changes_something_is_sent_by_the_browser_itself() {
        let mut templates = String::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("templates"), &mut templates);
        let tags = templates.split('<').filter(|tag| tag.contains(" hx-"));
        let mut boosted = 0;
        for tag in tags {
            let tag = tag.split('>').next().unwrap();
            assert!(!tag.contains("hx-post"), "{tag}");
            if tag.contains("hx-boost") {
                let reads = tag.starts_with("form method=\"get\"")
                    || tag.starts_with("a ")
                    || tag.starts_with("nav class=\"paging\"");
                assert!(reads, "{tag}");
                boosted += 1;
            }
        }
        assert!(boosted > 3, "{boosted}");
    }

    #[test]
    fn places_are_filled_in_their_order() {
        assert_eq!(filled("no such text", &[&"a"]), "no such text");
        assert_eq!(
            t!("paging.shown", 1, 20, 45),
            text("paging.shown")
                .replacen("{}", "1", 1)
                .replacen("{}", "20", 1)
                .replacen("{}", "45", 1)
        );
    }
}
