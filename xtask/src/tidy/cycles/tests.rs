use super::super::Tree;
use super::*;

fn cycles(files: &[(&str, &str)]) -> Vec<String> {
    counted(files, Counted::All)
}

fn counted(files: &[(&str, &str)], counted: Counted) -> Vec<String> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (format!("crates/a/src/{name}.rs"), *text))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let tree = Tree::of(&files);
    let crates = Modules::read_all(&tree);
    let name = |file: &PathBuf| file.file_stem().unwrap().to_string_lossy().into_owned();
    find(&crates["a"], counted)
        .iter()
        .map(|cycle| cycle.iter().map(name).collect::<Vec<_>>().join(" "))
        .collect()
}

const TWO: &str = "mod b; mod c;";

#[test]
fn files_that_import_each_other_are_a_cycle_however_they_spell_it() {
    for (b, c) in [
        ("use crate::c::C;", "use crate::b::B;"),
        ("use super::c::C;", "use super::{x, b::{self, B as D}};"),
        ("fn f() { crate::c::g() }", "fn g() { super::b::f() }"),
        (
            "use crate::c; fn f() { c::g() }",
            "pub(crate) fn g(b: &crate::b::B) {}",
        ),
        (
            "use crate::{c::C};",
            "mod inner { use super::super::b::B; }",
        ),
    ] {
        let found = cycles(&[("lib", TWO), ("b", b), ("c", c)]);
        assert_eq!(found, ["b c"], "{b} {c}");
    }
}

#[test]
fn a_cycle_over_three_files_is_one() {
    let found = cycles(&[
        ("lib", "mod b; mod c; mod d; mod e;"),
        ("b", "use crate::c::C;"),
        ("c", "use crate::d::D;"),
        ("d", "use crate::b::B; use crate::e::E;"),
        ("e", ""),
    ]);
    assert_eq!(found, ["b c d"]);
}

#[test]
fn a_parent_that_declares_or_passes_on_does_not_depend_on_its_child() {
    for lib in [
        "mod b;",
        "mod b; pub use b::B;",
        "pub mod b; pub(crate) use crate::b::{B, C};",
    ] {
        let found = cycles(&[("lib", lib), ("b", "use crate::X; struct B;")]);
        assert!(found.is_empty(), "{lib} {found:?}");
    }
}

#[test]
fn a_parent_that_uses_its_child_depends_on_it() {
    for lib in [
        "mod b; fn f() { b::g() }",
        "mod b; use b::B; fn f() { B }",
        "mod b; pub use b::B; fn f(b: B) {}",
    ] {
        let found = cycles(&[("lib", lib), ("b", "use super::X;")]);
        assert_eq!(found, ["b lib"], "{lib}");
        let files = [("lib", lib), ("b", "use super::X;")];
        assert!(counted(&files, Counted::Neighbours).is_empty(), "{lib}");
    }
}

#[test]
fn a_name_that_is_passed_on_leads_to_the_file_that_defines_it() {
    let lib = "mod b; mod c; pub use b::B; pub use c::C;";
    let found = cycles(&[("lib", lib), ("b", "use crate::C;"), ("c", "use super::B;")]);
    assert_eq!(found, ["b c"]);
}

#[test]
fn tests_other_crates_comments_strings_and_visibilities_are_no_imports() {
    for c in [
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] use crate::b::B;",
        "use serde::b::B; use vestibule_b::{b::B};",
        "// use crate::b::B;\n/// [`crate::b::B`]\nfn f() { \"crate::b::B\" }",
        "pub(in crate::b) struct C;",
        "fn f() { x.b::<B>() }",
    ] {
        let found = cycles(&[("lib", TWO), ("b", "use crate::c::C;"), ("c", c)]);
        assert!(found.is_empty(), "{c} {found:?}");
    }
}

#[test]
fn modules_in_folders_are_found() {
    let found = cycles(&[
        ("lib", "mod b; mod c;"),
        ("b", "mod d;"),
        ("b/d", "use super::super::c::C;"),
        ("c/mod", "mod e; use crate::b::d::D;"),
        ("c/e", ""),
    ]);
    assert_eq!(found, ["d mod"]);
}
