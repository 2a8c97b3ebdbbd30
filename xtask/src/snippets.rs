//! Running the commands that the documents print.
//!
//! A block fenced as `sh` is run; any other (`text`, `console`, `json`, …) is only shown. The `sh`
//! blocks of one document are one script, in their order: it starts in an empty folder with the
//! built `vestibule` on its path, stops at the first command that fails, and what it left running
//! is ended with it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::chore;

/// How long the script of one document may take, in seconds.
const PATIENCE: &str = "180";

/// Ends what the script started in the background, whichever way the script ends.
const PREAMBLE: &str = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";

/// Runs the documents that have something to run, with the built server.
pub(crate) fn run() -> Result<()> {
    let mut failed = Vec::new();
    for path in documents()? {
        let name = path
            .strip_prefix(chore::root())
            .unwrap_or(&path)
            .display()
            .to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let Some(script) = script(&text) else {
            continue;
        };
        println!("running the commands of {name}");
        if let Err(error) = execute(&script) {
            println!("{name}: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("commands failed in {}", failed.join(", "));
    }
    Ok(())
}

fn documents() -> Result<Vec<PathBuf>> {
    let root = chore::root();
    let mut documents = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    documents.retain(|path| path.is_file());
    documents.sort();
    Ok(documents)
}

fn execute(script: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script");
    fs::write(&file, script)?;
    let work = folder.path().join("work");
    fs::create_dir(&work)?;
    chore::run(
        chore::command("timeout")
            .args([PATIENCE, "bash"])
            .arg(&file)
            .current_dir(&work)
            .env("PATH", path_with_server()?)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null()),
    )
}

fn path_with_server() -> Result<std::ffi::OsString> {
    let server = chore::server();
    let folder = server.parent().map(Path::to_path_buf);
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(
        folder.into_iter().chain(env::split_paths(&path)),
    )?)
}

/// The `sh` blocks of a document as one script, where it has any.
fn script(markdown: &str) -> Option<String> {
    let mut script = String::new();
    let mut fence: Option<(&str, bool)> = None;
    for line in markdown.lines() {
        let trimmed = line.trim_start();
        match fence {
            Some((mark, _)) if trimmed.trim_end() == mark => fence = None,
            Some((_, true)) => {
                script.push_str(line);
                script.push('\n');
            }
            Some((_, false)) => {}
            None => {
                let ticks = trimmed.len() - trimmed.trim_start_matches('`').len();
                if ticks >= 3 {
                    let (mark, language) = trimmed.split_at(ticks);
                    fence = Some((mark, language.trim() == "sh"));
                }
            }
        }
    }
    (!script.is_empty()).then(|| format!("{PREAMBLE}{script}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sh_blocks_are_run_and_in_their_order() {
        let text = "```sh\none\n```\nwords\n```console\n$ not this\n```\n````text\n```sh\nnor this\n```\n````\n```sh\ntwo\n```\n";
        assert_eq!(script(text).unwrap(), format!("{PREAMBLE}one\ntwo\n"));
    }

    #[test]
    fn a_document_without_commands_has_no_script() {
        assert_eq!(script("# Title\n```json\n{}\n```\n"), None);
    }

    #[test]
    fn a_failing_command_fails_the_document_and_ends_what_it_left_running() {
        let script = script("```sh\nsleep 600 &\nfalse\ntrue\n```\n").unwrap();
        let begun = std::time::Instant::now();
        assert!(execute(&script).is_err());
        assert!(begun.elapsed().as_secs() < 60);
    }
}
