use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// The crates whose refusals reach a caller.
const CRATES: [&str; 14] = [
    "model",
    "credential",
    "policy",
    "check",
    "http",
    "accounts",
    "federation",
    "handler",
    "layer",
    "api",
    "sample",
    "config",
    "server",
    "cli",
];

/// Calls that name a reason, and in which argument.
const CALLS: [(&str, usize); 16] = [
    ("Invalid::new(", 0),
    ("FieldError::new(", 1),
    ("Error::field(", 1),
    ("Self::field(", 1),
    (".refuse(", 1),
    (" refuse(", 1),
    ("denied(", 0),
    ("sign_in_failed(", 0),
    ("refused(", 0),
    ("conflict(", 0),
    ("bad_request(", 0),
    ("unauthorized(", 0),
    ("forbidden(", 0),
    ("unavailable(", 0),
    ("Problem::new(", 1),
    ("Self::new(", 1),
];

/// Reasons that the scan finds and no answer names.
const ELSEWHERE: [&str; 15] = [
    // Of the configuration, of the operator, and of the change feed.
    "invalid_prefix",
    "invalid_network",
    "network_too_wide",
    "invalid_change",
    "invalid_actor",
    "invalid_credential",
    "missing",
    "credential_rejected",
    // Of the command line alone.
    "cancelled",
    "check_failed",
    "conflict",
    "failed",
    "not_allowed",
    "wrong_usage",
    // Of the table of content types.
    "not_listed",
];

/// What the extractors make of the deserializer's own words, and of a problem without a field.
const OF_EXTRACTORS: [&str; 6] = [
    "invalid_field",
    "missing_field",
    "unknown_field",
    "duplicate_field",
    "wrong_type",
    "invalid_value",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The arguments of a call, from the text after its opening parenthesis.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut quoted, mut escaped) = (0, 0, false, false);
    let mut arguments = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ',' if depth == 0 => {
                arguments.push(text[start..at].trim());
                start = at + 1;
            }
            ')' | ']' | '}' if depth == 0 => {
                arguments.push(text[start..at].trim());
                break;
            }
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

fn literal(text: &str) -> Option<&str> {
    let word = text.strip_prefix('"')?.strip_suffix('"')?;
    let letter = |c: char| c.is_ascii_lowercase() || c == '_';
    (!word.is_empty() && word.chars().all(letter)).then_some(word)
}

fn reasons_in(source: &str) -> BTreeSet<String> {
    let source = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut found = BTreeSet::new();
    for (call, argument) in CALLS {
        for (at, _) in source.match_indices(call) {
            let arguments = arguments(&source[at + call.len()..]);
            // With three arguments the field comes before its reason.
            let argument = argument.max(usize::from(call == "refused(" && arguments.len() > 2));
            found.extend(arguments.get(argument).and_then(|text| literal(text)));
        }
    }
    for (at, _) in source.match_indices("fn reason(") {
        let body = source[at..].split("\n    }\n").next().unwrap_or_default();
        let words = body.split_inclusive('"').collect::<Vec<_>>();
        for pair in words.windows(2) {
            found.extend(literal(&format!("\"{}", pair[1])).map(|_| {
                // Between two quotation marks, so it is the word itself.
                pair[1].trim_end_matches('"')
            }));
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

#[test]
fn no_reason_that_the_crates_produce_is_missing() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for name in CRATES {
        sources(&crates.join(name).join("src"), &mut files);
    }
    let listed: BTreeSet<_> = catalogue::all().map(|problem| problem.reason).collect();
    let mut produced: BTreeSet<String> = OF_EXTRACTORS.map(str::to_owned).into();
    for file in &files {
        produced.extend(reasons_in(&fs::read_to_string(file).unwrap()));
    }
    assert!(
        produced.contains("no_credential") && produced.contains("bad_credentials"),
        "the scan finds what there is: {produced:?}"
    );
    let missing: Vec<_> = produced
        .iter()
        .map(String::as_str)
        .filter(|reason| !listed.contains(reason) && !ELSEWHERE.contains(reason))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "not explained at /problems");
    let stale: Vec<_> = listed
        .iter()
        .filter(|reason| !produced.contains(**reason))
        .collect();
    assert_eq!(stale, Vec::<&&str>::new(), "explained, but never produced");
}

#[test]
fn each_reason_is_explained_once_and_in_whole_sentences() {
    let mut seen = BTreeSet::new();
    for problem in catalogue::all() {
        assert!(seen.insert(problem.reason), "{} twice", problem.reason);
        for text in [problem.means, problem.remedy] {
            assert!(text.ends_with('.'), "{text}");
            assert!(!text.contains(['<', '>', '&']), "{text}");
        }
    }
}

#[test]
fn the_page_has_an_anchor_for_every_reason_and_no_script() {
    let page = page();
    for problem in catalogue::all() {
        assert!(page.contains(&format!("id=\"{}\"", problem.reason)));
    }
    assert!(!page.contains("<script") && !page.contains("style="));
}
