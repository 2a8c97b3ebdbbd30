//! The rules that the compiler does not check.

mod counts;
mod cycles;
mod dependencies;
mod documents;
mod modules;
mod openings;
mod rust;
mod sources;
mod tiers;
mod why;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::chore;

/// Folders that are not ours to judge.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "corpus", "artifacts"];

/// Checks the whole tree and lists everything that is wrong; with `list`, also the places that the
/// counts are about, by crate.
pub(crate) fn run(list: bool) -> Result<()> {
    let root = chore::root();
    let files = Tree::read(&root)?;
    let manifests = tiers::Manifest::read_all(&root)?;
    let mut problems = tiers::check(&manifests);
    problems.extend(tiers::idle_exceptions(&manifests));
    let architecture = fs::read_to_string(root.join("docs/architecture.md"))?;
    problems.extend(tiers::check_document(&architecture, &manifests));
    problems.extend(sources::leftovers(&files));
    problems.extend(documents::check(&files, &root));
    problems.extend(dependencies::unused(&files, &root)?);
    problems.extend(counts::check(&files, list));
    let lengths = sources::lengths(&files);
    for long in &lengths.long {
        println!("long: {long}");
    }
    problems.extend(lengths.too_long);
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        bail!("tidy: {} found", count(problems.len(), "problem"));
    }
    println!("tidy: {} in order", count(files.0.len(), "file"));
    Ok(())
}

/// The text files of the repository, by their path from its root.
struct Tree(Vec<(PathBuf, String)>);

impl Tree {
    fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if path.is_dir() && !SKIPPED.contains(&&*name) {
                    folders.push(path);
                } else if has_extension(&path, &["rs", "md", "toml", "sh", "sql"]) {
                    let text = fs::read_to_string(&path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    files.push((path.strip_prefix(root)?.to_path_buf(), text));
                }
            }
        }
        files.sort();
        Ok(Self(files))
    }

    /// The text of a file that the tree has.
    fn text(&self, path: &Path) -> &str {
        let found = self.0.iter().find(|(known, _)| known == path);
        found.map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| (PathBuf::from(path), (*text).to_owned());
        Self(files.iter().map(owned).collect())
    }
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| wanted.contains(&extension))
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
