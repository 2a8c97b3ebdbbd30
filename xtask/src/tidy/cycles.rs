//! Files of one crate that import each other, directly or over others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::modules::{Import, Module, Modules, Name};

/// Files by the files that they depend on.
type Graph<'a> = BTreeMap<&'a Path, BTreeSet<&'a Path>>;

/// The dependencies that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Those between neighbours, and those of a module on what is above it. A file and the modules in
    /// its own folder are read together, so that it may use them.
    Neighbours,
    /// Also those of a file on the modules in its own folder.
    All,
}

/// Returns the groups of files in which each depends on every other, sorted.
pub(super) fn find(modules: &Modules<'_>, counted: Counted) -> Vec<Vec<PathBuf>> {
    let graph = graph(modules, counted);
    let reached: BTreeMap<_, _> = graph
        .keys()
        .map(|file| (*file, reached(&graph, file)))
        .collect();
    let mut cycles = BTreeSet::new();
    for (file, others) in &reached {
        let mut group: Vec<_> = others
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(file)))
            .map(|other| other.to_path_buf())
            .collect();
        group.sort();
        if group.len() > 1 {
            cycles.insert(group);
        }
    }
    cycles.into_iter().collect()
}

/// Returns what a file depends on, directly or over others; itself only if that is a cycle.
fn reached<'a>(graph: &Graph<'a>, file: &Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Path> = graph.get(file).into_iter().flatten().copied().collect();
    while let Some(at) = next.pop() {
        if reached.insert(at) {
            next.extend(graph.get(at).into_iter().flatten());
        }
    }
    reached
}

/// Returns the dependencies between the files of a crate. A file that declares a module, or passes
/// on a name of it, does not depend on it; one that uses it does.
fn graph<'a>(crate_: &'a Modules<'_>, counted: Counted) -> Graph<'a> {
    let mut graph = Graph::new();
    for (name, module) in &crate_.modules {
        let uses = module
            .imports
            .iter()
            .filter(|import| is_used(import, module));
        let uses = uses.map(|import| &import.path);
        for path in uses.chain(&module.paths) {
            if let Some(target) = crate_.target(name, path)
                && target != module.file
                && (counted == Counted::All || !crate_.is_below(target, name))
            {
                graph
                    .entry(module.file.as_path())
                    .or_default()
                    .insert(target);
            }
        }
    }
    graph
}

fn is_used(import: &Import, module: &Module) -> bool {
    !import.is_export || module.words.contains(&import.name)
}

impl Modules<'_> {
    /// Returns the file of the crate that a path within a module leads to.
    fn target(&self, from: &Name, path: &[String]) -> Option<&Path> {
        self.resolve(from, path, &mut BTreeSet::new())
    }

    /// Returns true if a file is written for a module somewhere inside another.
    fn is_below(&self, file: &Path, parent: &Name) -> bool {
        let mut named = self
            .modules
            .iter()
            .filter(|(_, module)| module.file == file);
        named.any(|(name, _)| name.len() > parent.len() && name.starts_with(parent))
    }

    fn resolve(
        &self,
        from: &Name,
        path: &[String],
        seen: &mut BTreeSet<(Name, String)>,
    ) -> Option<&Path> {
        let mut at = from.clone();
        let mut rest = path;
        let mut is_rooted = false;
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => _ = at.pop()?,
                "self" => {}
                _ => break,
            }
            (rest, is_rooted) = (others, true);
        }
        if !is_rooted && !self.is_known(&at, rest.first()?) {
            return None;
        }
        while let Some((first, others)) = rest.split_first() {
            at.push(first.clone());
            if self.modules.contains_key(&at) {
                rest = others;
                continue;
            }
            at.pop();
            break;
        }
        let module = self.modules.get(&at)?;
        let item = rest.first().filter(|item| *item != "*");
        if let Some(item) = item
            && seen.insert((at.clone(), item.clone()))
        {
            // A name that is only passed on belongs to the file that defines it.
            if let Some(import) = module.imports.iter().find(|import| import.name == *item) {
                let mut whole = import.path.clone();
                whole.extend(rest[1..].iter().cloned());
                return self.resolve(&at, &whole, seen);
            }
        }
        Some(&module.file)
    }

    /// Returns true if a module knows a name as a module of the crate, or as something imported
    /// from it.
    fn is_known(&self, at: &Name, name: &str) -> bool {
        let mut child = at.clone();
        child.push(name.to_owned());
        self.modules.contains_key(&child)
            || self.modules.get(at).is_some_and(|module| {
                module.imports.iter().any(|import| {
                    import.name == name && import.path.first().is_some_and(|first| first != name)
                })
            })
    }
}

#[cfg(test)]
mod tests;
