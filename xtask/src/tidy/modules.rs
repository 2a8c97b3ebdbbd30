//! The modules of a crate, and the files that they are written in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Tree;
use super::rust::{Kind, Token, code, group_end, tokens, without_tests};

/// A module by its path from the root of its crate, which is empty.
pub(super) type Name = Vec<String>;

/// A crate's modules without those that are compiled for tests alone.
#[derive(Debug, Default)]
pub(super) struct Modules<'a> {
    /// The files, each with its tokens.
    pub(super) files: BTreeMap<PathBuf, Vec<Token<'a>>>,
    /// The modules by name.
    pub(super) modules: BTreeMap<Name, Module>,
}

/// One module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file in which it is written.
    pub(super) file: PathBuf,
    /// Its imports.
    pub(super) imports: Vec<Import>,
    /// Its paths in code outside of imports.
    pub(super) paths: Vec<Vec<String>>,
    /// The names that its code outside of imports mentions.
    pub(super) words: Vec<String>,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// The path, which ends in `*` if it is a glob.
    pub(super) path: Vec<String>,
    /// The name under which it is known in the module.
    pub(super) name: String,
    /// True if it is offered to others, as `pub use` or `pub(super) use`.
    pub(super) is_export: bool,
}

impl<'a> Modules<'a> {
    /// Reads the crates in the folders directly below `crates`, by name. A binary beside a library is
    /// a crate of its own.
    pub(super) fn read_all(files: &'a Tree) -> BTreeMap<String, Self> {
        let mut crates = BTreeMap::new();
        for (path, _) in &files.0 {
            let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
            let name = match parts[..] {
                ["crates", name, "src", "lib.rs"] => name.to_owned(),
                ["crates", name, "src", "main.rs"] => format!("{name} (main)"),
                _ => continue,
            };
            let mut modules = Self::default();
            modules.read(files, path, &Vec::new());
            crates.insert(name, modules);
        }
        crates
    }

    fn read(&mut self, files: &'a Tree, path: &Path, name: &Name) {
        let Some((_, text)) = files.0.iter().find(|(known, _)| known == path) else {
            return;
        };
        let tokens = without_tests(&tokens(text));
        let code = code(&tokens);
        self.files.insert(path.to_path_buf(), tokens);
        let declared = self.module(path, name, &code);
        for child in declared {
            let folder = folder_of_children(path);
            let below: PathBuf = child.iter().collect();
            let beside = folder.join(&below).with_extension("rs");
            let inside = folder.join(&below).join("mod.rs");
            let known = |path: &PathBuf| files.0.iter().any(|(known, _)| known == path);
            let mut full = name.clone();
            full.extend(child);
            if let Some(file) = [beside, inside].into_iter().find(known) {
                self.read(files, &file, &full);
            }
        }
    }

    /// Takes in a module and those written inside it. Returns the modules that it declares as files
    /// of their own, by their path from the file.
    fn module(&mut self, file: &Path, name: &Name, code: &[Token<'_>]) -> Vec<Name> {
        let mut declared = Vec::new();
        let mut module = Module {
            file: file.to_path_buf(),
            ..Module::default()
        };
        let mut inner = Vec::new();
        let (mut at, mut is_public) = (0, false);
        while at < code.len() {
            let next = |offset: usize| code.get(at + offset).map(|token| token.kind);
            match (code[at].kind, next(1), next(2)) {
                (Kind::Word("mod"), Some(Kind::Word(child)), Some(Kind::Mark(';'))) => {
                    declared.push(vec![child.to_owned()]);
                    at += 3;
                }
                (Kind::Word("mod"), Some(Kind::Word(child)), Some(Kind::Mark('{'))) => {
                    let end = group_end(code, at + 2);
                    inner.push((child.to_owned(), at + 3..end.saturating_sub(1)));
                    at = end;
                }
                (Kind::Word("pub"), after, _) => {
                    is_public = true;
                    at += 1;
                    if after == Some(Kind::Mark('(')) {
                        at = group_end(code, at);
                    }
                    continue;
                }
                (Kind::Word("use"), _, _) => {
                    let end = at
                        + code[at..]
                            .iter()
                            .take_while(|token| !token.is_mark(';'))
                            .count();
                    let tree = &code[at + 1..end];
                    // `impl Trait + use<'a>` captures, and imports nothing.
                    if !tree.first().is_some_and(|token| token.is_mark('<')) {
                        imports(tree, &mut Vec::new(), is_public, &mut module.imports);
                        at = end;
                    }
                    at += 1;
                }
                (Kind::Word(word), Some(Kind::Path), _) => {
                    let is_inside =
                        at > 0 && (code[at - 1].kind == Kind::Path || code[at - 1].is_mark('.'));
                    let (path, length) = path_at(&code[at..]);
                    module.words.push(word.to_owned());
                    if !is_inside {
                        module.paths.push(path);
                    }
                    at += length;
                }
                (Kind::Word(word), _, _) => {
                    module.words.push(word.to_owned());
                    at += 1;
                }
                _ => at += 1,
            }
            is_public = false;
        }
        self.modules.insert(name.clone(), module);
        for (child, range) in inner {
            let mut full = name.clone();
            full.push(child.clone());
            for mut below in self.module(file, &full, &code[range]) {
                below.insert(0, child.clone());
                declared.push(below);
            }
        }
        declared
    }
}

/// Returns the folder in which the files of a file's modules are looked for.
fn folder_of_children(file: &Path) -> PathBuf {
    let name = file.file_name().and_then(|name| name.to_str());
    match name {
        Some("lib.rs" | "main.rs" | "mod.rs") => {
            file.parent().unwrap_or(Path::new("")).to_path_buf()
        }
        _ => file.with_extension(""),
    }
}

/// Returns the path that the code starts with, and its number of tokens.
fn path_at(code: &[Token<'_>]) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut at = 0;
    while let Some(Token {
        kind: Kind::Word(word),
        ..
    }) = code.get(at)
    {
        path.push((*word).to_owned());
        at += 1;
        if code.get(at).map(|token| token.kind) != Some(Kind::Path) {
            break;
        }
        at += 1;
    }
    (path, at)
}

/// Collects what a tree of imports brings in.
fn imports(tree: &[Token<'_>], before: &mut Vec<String>, is_export: bool, found: &mut Vec<Import>) {
    let depth = before.len();
    let mut at = 0;
    let mut name = None;
    while let Some(token) = tree.get(at) {
        match token.kind {
            Kind::Word("as") => {
                if let Some(Token {
                    kind: Kind::Word(alias),
                    ..
                }) = tree.get(at + 1)
                {
                    name = Some((*alias).to_owned());
                }
                at += 1;
            }
            Kind::Word(word) => before.push(word.to_owned()),
            Kind::Mark('*') => before.push("*".to_owned()),
            Kind::Mark('{') => {
                let end = group_end(tree, at);
                for part in split(&tree[at + 1..end - 1]) {
                    imports(part, before, is_export, found);
                }
                before.truncate(depth);
                return;
            }
            _ => {}
        }
        at += 1;
    }
    // `{self, …}` names the module itself.
    if before.len() > 1 && before.last().is_some_and(|last| last == "self") {
        before.pop();
    }
    if let Some(last) = before.last() {
        let name = name.unwrap_or_else(|| last.clone());
        found.push(Import {
            path: before.clone(),
            name,
            is_export,
        });
    }
    before.truncate(depth);
}

/// Returns the parts between the commas that are in no brackets.
fn split<'a, 'b>(tree: &'b [Token<'a>]) -> Vec<&'b [Token<'a>]> {
    let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
    while at < tree.len() {
        if tree[at].is_mark('{') {
            at = group_end(tree, at);
            continue;
        }
        if tree[at].is_mark(',') {
            parts.push(&tree[from..at]);
            from = at + 1;
        }
        at += 1;
    }
    parts.push(&tree[from..]);
    parts.retain(|part| !part.is_empty());
    parts
}
