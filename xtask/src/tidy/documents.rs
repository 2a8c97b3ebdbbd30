//! Paths that the documents name.

use std::path::{Component, Path, PathBuf};

use super::{Tree, has_extension};

/// Every link or path in a document that leads nowhere, as `file:line: path`.
pub(super) fn check(files: &Tree, root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in &files.0 {
        if !has_extension(path, &["md"]) {
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                let links = links(line)
                    .into_iter()
                    .map(|link| (link, folder.join(link)));
                let named = code(line).into_iter().filter(|span| is_path(span, root));
                let named = named.map(|span| (span, PathBuf::from(span)));
                for (name, target) in links.chain(named) {
                    if !root.join(flat(&target)).exists() {
                        let at = format!("{}:{}", path.display(), index + 1);
                        problems.push(format!("{at}: names {name}, which does not exist"));
                    }
                }
            }
        }
    }
    problems
}

/// The targets of links into the repository, without the anchor.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains(':'))
        .filter_map(|link| link.split('#').next())
        .filter(|link| !link.is_empty())
        .collect()
}

/// The code spans of a line.
fn code(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Returns true if a code span means a file: it begins with a folder that stands in our root, or is
/// the name of a document there. Patterns and commands are not paths.
fn is_path(span: &str, root: &Path) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if span.is_empty() || !span.chars().all(plain) {
        return false;
    }
    match span.split_once('/') {
        Some((first, _)) => !first.is_empty() && root.join(first).is_dir(),
        None => has_extension(Path::new(span), &["md"]),
    }
}

/// Returns the path without `.` and `..`.
pub(super) fn flat(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                flat.pop();
            }
            Component::Normal(name) => flat.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("crates/model/src")).unwrap();
        std::fs::create_dir_all(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("docs/here.md"), "").unwrap();
        check(&Tree::of(&[(path, text)]), root.path())
    }

    #[test]
    fn paths_that_exist_are_in_order() {
        let text = "See `crates/model/src/`, [here](here.md#part) and [up](../docs/here.md).";
        assert!(problems("docs/a.md", text).is_empty());
    }

    #[test]
    fn a_path_that_does_not_exist_is_named_with_its_line() {
        let found = problems("a.md", "\nSee `crates/model/src/gone.rs`.");
        assert_eq!(
            found,
            ["a.md:2: names crates/model/src/gone.rs, which does not exist"]
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let found = problems("docs/a.md", "[gone](gone.md)");
        assert_eq!(found, ["docs/a.md:1: names gone.md, which does not exist"]);
    }

    #[test]
    fn a_document_that_does_not_exist_is_named() {
        assert_eq!(problems("a.md", "as `GONE.md` says").len(), 1);
    }

    #[test]
    fn routes_commands_patterns_blocks_and_foreign_links_are_not_paths() {
        let text = "`/v1/users`, `cargo test`, `crates/*/src`, `text/plain`, \
                    [site](https://example.org/a)\n```text\n`crates/none`\n```\n";
        assert!(problems("a.md", text).is_empty());
    }
}
