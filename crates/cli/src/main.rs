//! `vestibule`.

use std::process::ExitCode;

/// A checked request allocates a few small things and frees them at once, which this does faster
/// than the system's allocator, and without fragments beside the hashing threads
/// (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vestibule_cli::run(std::env::args_os())
}
