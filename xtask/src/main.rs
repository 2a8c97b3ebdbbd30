//! The project's own chores: `cargo xtask test` decides whether a change is good, the other
//! commands are its parts.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for people at a terminal: what it has to say goes there"
)]

mod chore;
mod deny;
mod openapi;
mod postgres;
mod release;
mod snippets;
mod suite;
mod tidy;
mod tools;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::postgres::Postgres;
use crate::suite::Trials;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run everything that has to pass: format, lints, project rules, licences, tests, documents
    Test,
    /// Run the same with every repeated trial in full: hundreds of freezes and kills, for hours
    All,
    /// Install what the tests need and the machine lacks, as `test` does first
    Install,
    /// Check the rules that the compiler does not: tiers, cycles, style, leftovers, file sizes, paths in documents
    Tidy {
        /// Name the places that the counts are about, by crate
        #[arg(long)]
        list: bool,
    },
    /// Write docs/openapi.json from the server, or compare with it
    Openapi {
        /// Change nothing and fail on a difference
        #[arg(long)]
        check: bool,
    },
    /// Run the `sh` blocks of README.md and docs/*.md
    Docs,
    /// Take the pictures of the pages in docs/screenshots
    Screenshots,
    /// Run a command with a PostgreSQL of its own to test on
    Postgres {
        /// The command, as in `cargo xtask postgres cargo nextest run -p vestibule-store`
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Write the records of the last release anew, with that release's own server
    Fixture,
    /// Throw a million inputs at every parser
    Fuzz,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Test => suite::run(Trials::Few),
        Chore::All => suite::run(Trials::Full),
        Chore::Install => tools::install(),
        Chore::Tidy { list } => tidy::run(list),
        Chore::Openapi { check } => chore::build_server().and_then(|()| openapi::run(check)),
        Chore::Docs => chore::build_server().and_then(|()| snippets::run()),
        Chore::Screenshots => chore::build_server().and_then(|()| screenshots()),
        Chore::Postgres { command } => with_postgres(&command),
        Chore::Fixture => release::fixture(),
        Chore::Fuzz => fuzz(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn with_postgres(words: &[OsString]) -> Result<()> {
    let postgres = Postgres::start()?;
    let (program, arguments) = words.split_first().context("no command")?;
    chore::run(
        chore::command(program)
            .args(arguments)
            .env(postgres::VARIABLE, postgres.url()),
    )
}

fn screenshots() -> Result<()> {
    let run = ["run", "--quiet", "--package", "vestibule-e2e"];
    chore::run(
        chore::cargo()
            .args(run)
            .args(["--example", "screenshots", "docs/screenshots"]),
    )
}

fn fuzz() -> Result<()> {
    chore::run(&mut chore::command(chore::root().join("fuzz/run.sh")))
}
