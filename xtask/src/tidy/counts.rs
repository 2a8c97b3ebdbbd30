//! The three counts of how the code is written: cycles between files, item documentation with an odd
//! opening, and comments that say why. Each has a limit that may only get stricter.

use std::fmt::Write as _;

use super::cycles::{self, Counted};
use super::modules::Modules;
use super::{Tree, openings, why};

/// The most cycles between files that there may be. May only fall.
const MOST_CYCLES: usize = 3;

/// The most cycles that there may be if a file counts that uses the modules in its own folder, which
/// use it in turn. May only fall.
const MOST_CYCLES_WITH_PARENTS: usize = 16;

/// The greatest share of item documentation that opens oddly, in thousandths. May only fall.
const MOST_ODD: usize = 0;

/// The least share of lines inside functions that are comments which say why, in thousandths. May
/// only rise.
const LEAST_WHY: usize = 22;

/// The counts of one crate, or of all.
#[derive(Debug, Default)]
struct Counts {
    cycles: usize,
    cycles_with_parents: usize,
    docs: usize,
    odd: usize,
    lines: usize,
    why: usize,
    /// The places to look at, as `file:line: text`.
    places: String,
}

impl Counts {
    fn of(modules: &Modules<'_>, files: &Tree) -> Self {
        let mut counts = Self::default();
        let neighbours = cycles::find(modules, Counted::Neighbours);
        let all = cycles::find(modules, Counted::All);
        counts.cycles = neighbours.len();
        counts.cycles_with_parents = all.len();
        let parents = all.iter().filter(|cycle| !neighbours.contains(cycle));
        let named = neighbours.iter().map(|cycle| ("cycle", cycle));
        for (kind, cycle) in named.chain(parents.map(|cycle| ("cycle with parents", cycle))) {
            let files: Vec<_> = cycle
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            _ = writeln!(counts.places, "{kind}: {}", files.join(" "));
        }
        for (path, tokens) in &modules.files {
            let text = files.text(path);
            for opening in openings::find(tokens) {
                counts.docs += 1;
                if opening.is_odd() {
                    counts.odd += 1;
                    let at = format!("{}:{}", path.display(), opening.line);
                    _ = writeln!(counts.places, "odd: {at}: {}", opening.text);
                }
            }
            let lines = why::find(tokens, text);
            counts.lines += lines.inside.len();
            counts.why += lines.why.len();
            for line in lines.repeated {
                let said = text.lines().nth(line - 1).unwrap_or_default().trim();
                _ = writeln!(counts.places, "repeats: {}:{line}: {said}", path.display());
            }
        }
        counts
    }

    fn add(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.cycles_with_parents += other.cycles_with_parents;
        self.docs += other.docs;
        self.odd += other.odd;
        self.lines += other.lines;
        self.why += other.why;
    }

    fn line(&self, name: &str) -> String {
        let odd = percent(self.odd, self.docs);
        let why = percent(self.why, self.lines);
        format!(
            "{name:>12}: {} of files ({} with parents), odd openings {odd} ({} of {}), why-comments {why} ({} of {})",
            super::count(self.cycles, "cycle"),
            self.cycles_with_parents,
            self.odd,
            self.docs,
            self.why,
            self.lines
        )
    }

    /// The limits that the counts break.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.cycles > MOST_CYCLES {
            problems.push(format!(
                "{} of files; the limit is {MOST_CYCLES}",
                super::count(self.cycles, "cycle")
            ));
        }
        if self.cycles_with_parents > MOST_CYCLES_WITH_PARENTS {
            let found = super::count(self.cycles_with_parents, "cycle");
            problems.push(format!(
                "{found} of files with parents; the limit is {MOST_CYCLES_WITH_PARENTS}"
            ));
        }
        if self.odd * 1000 > MOST_ODD * self.docs {
            let limit = percent(MOST_ODD, 1000);
            problems.push(format!(
                "odd openings: {}; the limit is {limit}",
                percent(self.odd, self.docs)
            ));
        }
        if self.why * 1000 < LEAST_WHY * self.lines {
            let limit = percent(LEAST_WHY, 1000);
            problems.push(format!(
                "why-comments: {}; the least is {limit}",
                percent(self.why, self.lines)
            ));
        }
        if !problems.is_empty() {
            problems.push("`cargo xtask tidy --list` names the places".to_owned());
        }
        problems
    }
}

fn percent(part: usize, whole: usize) -> String {
    let tenths = part * 10_000 / whole.max(1);
    format!("{}.{:02} %", tenths / 100, tenths % 100)
}

/// Prints the counts of all crates, or of each with the places to look at, and returns the limits
/// that they break.
pub(super) fn check(files: &Tree, list: bool) -> Vec<String> {
    let mut all = Counts::default();
    for (name, modules) in Modules::read_all(files) {
        let counts = Counts::of(&modules, files);
        if list {
            print!("{}", counts.places);
            println!("{}", counts.line(&name));
        }
        all.add(&counts);
    }
    println!("{}", all.line("all crates"));
    all.problems()
}
