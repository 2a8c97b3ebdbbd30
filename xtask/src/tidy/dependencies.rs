//! Dependencies that nothing uses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::documents::flat;
use super::rust::{Kind, tokens, without_tests};
use super::{Tree, has_extension};

/// Dependencies that are asked for by no name in the code, each with its reason.
const UNNAMED: &[(&str, &str)] = &[];

/// Returns each dependency that the code of its crate does not mention, and each of the workspace's
/// that no crate takes.
pub(super) fn unused(files: &Tree, root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut taken = BTreeSet::new();
    for (path, text) in &files.0 {
        if path.file_name().is_none_or(|name| name != "Cargo.toml") {
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let manifest: Table = text
            .parse()
            .with_context(|| format!("cannot read {}", path.display()))?;
        if manifest.contains_key("package") {
            problems.extend(check(folder, &manifest, files, &mut taken));
        }
    }
    let workspace: Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let offered = workspace
        .get("workspace")
        .and_then(|table| table.get("dependencies"));
    for name in offered
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::keys)
    {
        // Our own crates are made for others, too.
        if !taken.contains(name) && !name.starts_with("vestibule-") {
            problems.push(format!("Cargo.toml: no crate takes the dependency {name}"));
        }
    }
    Ok(problems)
}

fn check(
    folder: &Path,
    manifest: &Table,
    files: &Tree,
    taken: &mut BTreeSet<String>,
) -> Vec<String> {
    let code = Words::of(folder, files);
    let mut problems = Vec::new();
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_table());
    for table in targets.chain([manifest]) {
        for (section, words) in [
            ("dependencies", &code.shipped),
            ("build-dependencies", &code.build),
            ("dev-dependencies", &code.all),
        ] {
            let section = table.get(section).and_then(Value::as_table);
            for name in section.into_iter().flat_map(Table::keys) {
                taken.insert(name.clone());
                let is_unnamed = UNNAMED.iter().any(|(unnamed, _)| unnamed == name);
                if !is_unnamed && !words.contains(&name.replace('-', "_")) {
                    problems.push(format!(
                        "{}/Cargo.toml: {name} is not used",
                        folder.display()
                    ));
                }
            }
        }
    }
    problems
}

/// The words of a crate's code.
#[derive(Default)]
struct Words {
    shipped: BTreeSet<String>,
    build: BTreeSet<String>,
    /// Those of tests, examples and documentation, too.
    all: BTreeSet<String>,
}

impl Words {
    fn of(folder: &Path, files: &Tree) -> Self {
        let mut found = Self::default();
        for (path, text) in &files.0 {
            let Ok(inside) = path.strip_prefix(folder) else {
                continue;
            };
            if !has_extension(path, &["rs"]) {
                continue;
            }
            // Documentation runs as tests, and names what it uses in its text.
            found.all.extend(all_words(text));
            // A test may be compiled from another crate's file.
            let lent = text.split("#[path = \"").skip(1);
            for lent in lent.filter_map(|rest| rest.split('"').next()) {
                let target = flat(&path.with_file_name(lent));
                found.all.extend(all_words(files.text(&target)));
            }
            let shipped = without_tests(&tokens(text));
            let shipped = shipped.iter().filter_map(|token| match token.kind {
                Kind::Word(word) => Some(word.to_owned()),
                _ => None,
            });
            if inside == Path::new("build.rs") {
                found.build.extend(shipped);
            } else if inside.starts_with("src") || !folder.join("src").starts_with("crates") {
                found.shipped.extend(shipped);
            }
        }
        found
    }
}

fn all_words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(manifest: &str, files: &[(&str, &str)]) -> String {
        let mut all = vec![("crates/a/Cargo.toml", manifest)];
        all.extend(files);
        let root = tempfile::tempdir().unwrap();
        let workspace = "[workspace.dependencies]\nb-c = \"1\"\n";
        fs::write(root.path().join("Cargo.toml"), workspace).unwrap();
        unused(&Tree::of(&all), root.path()).unwrap().join("\n")
    }

    const NORMAL: &str = "[package]\n[dependencies]\nb-c.workspace = true";
    const DEVELOPMENT: &str = "[package]\n[dev-dependencies]\nb-c.workspace = true";

    #[test]
    fn a_dependency_that_the_code_names_is_in_order() {
        let used = [("crates/a/src/lib.rs", "use b_c::D;")];
        assert_eq!(problems(NORMAL, &used), "");
        for file in ["src/x.rs", "tests/x.rs", "examples/x.rs"] {
            let file = format!("crates/a/{file}");
            assert_eq!(
                problems(DEVELOPMENT, &[(&file, "/// use b_c::D;")]),
                "",
                "{file}"
            );
        }
    }

    #[test]
    fn a_file_that_a_test_takes_from_another_crate_counts() {
        let files = [
            (
                "crates/a/tests/x.rs",
                "#[path = \"../../z/tests/y.rs\"] mod y;",
            ),
            ("crates/z/tests/y.rs", "use b_c::D;"),
        ];
        assert_eq!(problems(DEVELOPMENT, &files), "");
    }

    #[test]
    fn a_dependency_that_the_code_does_not_name_is_refused() {
        let text = "// b_c\n#[cfg(test)]\nmod tests { use b_c::D; }";
        for file in [
            "crates/a/src/lib.rs",
            "crates/a/tests/x.rs",
            "crates/z/src/lib.rs",
        ] {
            let found = problems(NORMAL, &[(file, text)]);
            assert_eq!(found, "crates/a/Cargo.toml: b-c is not used", "{file}");
        }
        let found = problems(DEVELOPMENT, &[("crates/z/src/lib.rs", "use b_c::D;")]);
        assert_eq!(found, "crates/a/Cargo.toml: b-c is not used");
    }

    #[test]
    fn a_dependency_of_the_workspace_that_no_crate_takes_is_refused() {
        let found = problems("[package]", &[]);
        assert_eq!(found, "Cargo.toml: no crate takes the dependency b-c");
    }
}
