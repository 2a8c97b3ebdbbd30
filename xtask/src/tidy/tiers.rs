//! Who may import whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// The tiers of the workspace: a crate may import only from tiers below its own. Folders that do
/// not exist yet have their tier reserved.
///
/// `api`, `web` and `sample` stand above `layer` because they declare their routes with it, as a
/// customer's service does.
const TIERS: &[(&str, u8)] = &[
    ("model", 0),
    ("credential", 1),
    ("policy", 1),
    ("outbound", 1),
    ("store", 1),
    ("sso", 2),
    ("check", 2),
    ("accounts", 3),
    ("http", 3),
    ("federation", 4),
    ("handler", 4),
    ("layer", 4),
    ("gate", 4),
    ("api", 5),
    ("web", 5),
    ("sample", 5),
    ("embed", 5),
    ("config", 6),
    ("server", 7),
    ("devtools", 8),
    ("cli", 9),
    ("e2e", TOOLS),
    ("bench", TOOLS),
    ("xtask", TOOLS),
];

/// Nothing of this tier is shipped, and nothing imports it.
const TOOLS: u8 = 10;

/// What a crate must not reach, not even through another.
const APART: &[(&str, &[&str])] = &[
    ("check", &["store", "sso", "outbound"]), // it knows the store only as a `Directory`
    ("layer", &["store", "accounts", "sso", "outbound"]), // a customer's build stays small
    ("sample", &["store", "accounts", "sso", "outbound"]),
    ("sso", &["store"]),
    ("accounts", &["sso", "outbound"]), // only `federation` talks to providers
];

/// Crates of the workspace that each of these crates may import, and no others.
const ONLY: &[(&str, &[&str])] = &[("sample", &["layer"])];

/// Third-party crates, and features of ours, that only the named crates may import. Tests may use them anywhere.
const CONFINED: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "sample"]),
    ("rusqlite", &["store"]),
    ("argon2", &["credential"]),
    ("jsonwebtoken", &["credential", "sso"]),
    ("reqwest", &[]), // tests call with it; the server calls through `outbound`, which has its own client
    ("vestibule-credential/password", &["accounts"]),
    // A service that takes only keys builds without a C library.
    (
        "vestibule-credential/tokens",
        &[
            "accounts",
            "federation",
            "config",
            "server",
            "devtools",
            "cli",
            "embed",
        ],
    ),
    ("vestibule-check/tokens", &["accounts", "embed"]),
];

/// What a crate's Cargo.toml imports.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    folder: String,
    /// Names of packages, and `package/feature` for features that are asked for.
    normal: BTreeSet<String>,
    development: BTreeSet<String>,
}

impl Manifest {
    /// The manifests of the workspace.
    pub(super) fn read_all(root: &Path) -> Result<Vec<Self>> {
        let mut folders: Vec<_> = fs::read_dir(root.join("crates"))?
            .flatten()
            .map(|entry| entry.path())
            .chain(["e2e", "bench", "xtask"].map(|name| root.join(name)))
            .filter(|folder| folder.join("Cargo.toml").is_file())
            .collect();
        folders.sort();
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(&path)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text).with_context(|| format!("cannot read {}", path.display()))
    }

    fn parse(folder: &str, text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let targets = table.get("target").and_then(Value::as_table);
        let sections = std::iter::once(&table).chain(
            targets
                .into_iter()
                .flatten()
                .filter_map(|(_, value)| value.as_table()),
        );
        let mut manifest = Self {
            folder: folder.to_owned(),
            ..Self::default()
        };
        for section in sections {
            manifest.normal.extend(imports(section.get("dependencies")));
            manifest
                .normal
                .extend(imports(section.get("build-dependencies")));
            manifest
                .development
                .extend(imports(section.get("dev-dependencies")));
        }
        Ok(manifest)
    }

    /// Returns the folders of the workspace that it imports.
    fn ours(&self) -> impl Iterator<Item = &str> {
        of_ours(&self.normal)
    }
}

fn of_ours(names: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    names
        .iter()
        .filter(|name| !name.contains('/'))
        .filter_map(|name| name.strip_prefix("vestibule-"))
}

fn imports(section: Option<&Value>) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in section.and_then(Value::as_table).into_iter().flatten() {
        let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
        names.push(package.to_owned());
        let features = value.get("features").and_then(Value::as_array);
        for feature in features.into_iter().flatten().filter_map(Value::as_str) {
            names.push(format!("{package}/{feature}"));
        }
    }
    names
}

/// Everything that is wrong with who imports whom.
pub(super) fn check(manifests: &[Manifest]) -> Vec<String> {
    let mut problems = Vec::new();
    for manifest in manifests {
        problems.extend(check_tier(manifest));
        problems.extend(check_confined(manifest));
    }
    let graph: BTreeMap<&str, Vec<&str>> = manifests
        .iter()
        .map(|manifest| {
            let all = manifest.ours().chain(of_ours(&manifest.development));
            (manifest.folder.as_str(), all.collect())
        })
        .collect();
    problems.extend(cycle(&graph));
    problems.extend(check_apart(manifests));
    problems
}

/// Lists the places where the document about the tiers differs from this file.
pub(super) fn check_document(markdown: &str, manifests: &[Manifest]) -> Vec<String> {
    let mut documented = BTreeMap::new();
    for line in markdown.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let ["", tier, folder, ..] = cells[..]
            && let Some(name) = folder.strip_prefix("`crates/")
            && let Ok(tier) = tier.parse::<u8>()
        {
            documented.insert(name.trim_end_matches('`'), tier);
        }
    }
    let shipped = manifests.iter().map(|manifest| manifest.folder.as_str());
    shipped
        .filter(|folder| tier(folder) != Some(TOOLS))
        .filter(|folder| documented.get(folder).copied() != tier(folder))
        .map(|folder| format!("docs/architecture.md: does not give {folder} its tier"))
        .collect()
}

fn tier(folder: &str) -> Option<u8> {
    TIERS
        .iter()
        .find(|(name, _)| *name == folder)
        .map(|(_, tier)| *tier)
}

fn check_tier(manifest: &Manifest) -> Vec<String> {
    let name = &manifest.folder;
    let Some(own) = tier(name) else {
        return vec![format!(
            "{name}: has no tier; give it one in xtask/src/tidy/tiers.rs"
        )];
    };
    let only = ONLY
        .iter()
        .find(|(folder, _)| folder == name)
        .map(|(_, only)| *only);
    let mut problems = Vec::new();
    for import in manifest.ours().chain(of_ours(&manifest.development)) {
        match tier(import) {
            None => problems.push(format!("{name}: imports {import}, which has no tier")),
            Some(other) if other >= own => problems.push(format!(
                "{name} (tier {own}): imports {import} (tier {other}); imports go downwards only"
            )),
            Some(_) => {}
        }
    }
    for import in manifest.ours() {
        if only.is_some_and(|only| !only.contains(&import)) {
            problems.push(format!(
                "{name}: imports {import}; of the workspace it may import {only:?}"
            ));
        }
    }
    problems
}

fn check_confined(manifest: &Manifest) -> Vec<String> {
    let name = manifest.folder.as_str();
    if tier(name) == Some(TOOLS) {
        return Vec::new();
    }
    CONFINED
        .iter()
        .filter(|(import, folders)| manifest.normal.contains(*import) && !folders.contains(&name))
        .map(|(import, folders)| {
            format!("{name}: imports {import}, which belongs in {folders:?} alone")
        })
        .collect()
}

/// Returns the exceptions for third-party crates that no longer apply, because the crate that has one
/// does not use it.
pub(super) fn idle_exceptions(manifests: &[Manifest]) -> Vec<String> {
    let mut idle = Vec::new();
    for (import, folders) in CONFINED {
        for manifest in manifests {
            let folder = manifest.folder.as_str();
            if folders.contains(&folder) && !manifest.normal.contains(*import) {
                idle.push(format!("{folder}: does not import {import}, though it may"));
            }
        }
    }
    idle
}

fn check_apart(manifests: &[Manifest]) -> Vec<String> {
    let graph: BTreeMap<&str, Vec<&str>> = manifests
        .iter()
        .map(|manifest| (manifest.folder.as_str(), manifest.ours().collect()))
        .collect();
    let mut problems = Vec::new();
    for (folder, forbidden) in APART {
        let mut reached = BTreeSet::new();
        let mut next = vec![*folder];
        while let Some(at) = next.pop() {
            if reached.insert(at) {
                next.extend(graph.get(at).into_iter().flatten());
            }
        }
        for other in forbidden.iter().filter(|other| reached.contains(**other)) {
            problems.push(format!(
                "{folder}: reaches {other}, from which it is kept apart"
            ));
        }
    }
    problems
}

/// The first cycle there is, as the way round it.
fn cycle(graph: &BTreeMap<&str, Vec<&str>>) -> Option<String> {
    fn walk<'a>(
        at: &'a str,
        graph: &BTreeMap<&'a str, Vec<&'a str>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<String> {
        if let Some(start) = way.iter().position(|seen| *seen == at) {
            let round = way[start..].join(" → ");
            return Some(format!("cycle of imports: {round} → {at}"));
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let found = graph
            .get(at)
            .into_iter()
            .flatten()
            .find_map(|next| walk(next, graph, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph
        .keys()
        .find_map(|start| walk(start, graph, &mut Vec::new(), &mut done))
}

#[cfg(test)]
mod tests;
