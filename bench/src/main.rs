//! What a checked request costs, as ratios to a bare handler in the same run.
//!
//! `cargo run --profile dist --package vestibule-bench` measures everything and takes some minutes;
//! name one of the figures to measure that alone. What is measured and why so is in
//! `docs/performance.md`.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

mod check_alone;
mod client;
mod cpu;
mod delay;
mod first_sight;
mod fixture;
mod footprint;
mod herd;
mod instructions;
mod memory;
mod neighbours;
mod requests;
mod server;
mod sso;
mod stack;
mod storm;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures what a checked request costs")]
struct Arguments {
    #[command(subcommand)]
    figure: Option<Figure>,
}

#[derive(Subcommand)]
enum Figure {
    /// A checked request over HTTP against a bare handler: key, token, cookie; one and 100,000.
    Requests {
        /// One case of them only, by its name.
        case: Option<String>,
    },
    /// A request through the whole server against a bare handler: a 404, and reads by primary key.
    Stack {
        /// One case of them only, by its name.
        case: Option<String>,
    },
    /// Instructions a request, bare and checked, counted by callgrind.
    Instructions,
    /// The check alone: head in, permit out.
    Check {
        /// One case of them only, by its name.
        case: Option<String>,
    },
    /// The first sight of a key on SQLite, with few and with many keys stored.
    FirstSight,
    /// 200 sign-ins at once: memory, and how long checks take meanwhile.
    Storm,
    /// Single sign-on: the processor time of a callback, and the memory of 10,000 pending sign-ins.
    Sso,
    /// 800 requests at once with one new key, and with a new key each; on PostgreSQL, too, where
    /// `VESTIBULE_TEST_POSTGRES` names a server.
    Herd,
    /// What remembered callers take of memory.
    Memory,
    /// A neighbour's key creations and sign-ins beside the loads of another tenant.
    Neighbours,
    /// Memory when idle, and the time from start to first answer.
    Footprint,
    /// One of the processes that `memory` measures.
    #[command(hide = true)]
    Remember {
        callers: memory::Callers,
        mib: usize,
    },
    /// One of the servers that `requests` measures.
    #[command(hide = true)]
    Serve {
        kind: server::Kind,
        database: Option<std::path::PathBuf>,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().figure {
        Some(Figure::Requests { case }) => requests::measure(case.as_deref()),
        Some(Figure::Stack { case }) => stack::measure(case.as_deref()),
        Some(Figure::Instructions) => instructions::measure(),
        Some(Figure::Check { case }) => check_alone::measure(case.as_deref()),
        Some(Figure::FirstSight) => first_sight::measure(),
        Some(Figure::Storm) => storm::measure(),
        Some(Figure::Sso) => sso::measure(),
        Some(Figure::Herd) => herd::measure(),
        Some(Figure::Neighbours) => neighbours::measure(),
        Some(Figure::Memory) => memory::measure(),
        Some(Figure::Remember { callers, mib }) => memory::remember(callers, mib),
        Some(Figure::Footprint) => footprint::measure(),
        Some(Figure::Serve { kind, database }) => server::serve(kind, database.as_deref()),
        None => {
            requests::measure(None)?;
            stack::measure(None)?;
            check_alone::measure(None)?;
            first_sight::measure()?;
            herd::measure()?;
            memory::measure()?;
            neighbours::measure()?;
            footprint::measure()?;
            sso::measure()?;
            storm::measure()
        }
    }
}
