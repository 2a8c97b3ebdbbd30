//! The last release, and what it leaves behind: the fixtures with which the tests show that this
//! version takes over the records of the one before.

use anyhow::{Context, Result};

use crate::chore;
use crate::postgres::{self, Postgres};

/// The commit of the last release. Whoever releases sets it to the commit of that release, and runs
/// `cargo xtask fixture`.
const LAST_RELEASE: &str = "24e136d62835e521b29c2ebfeded323406f52c8a";

/// The fixtures, in the repository.
const FIXTURES: &str = "e2e/fixtures/last_release";

/// Writes the fixtures anew: builds the last release's own server in a worktree, and has it make
/// records on both engines.
pub(crate) fn fixture() -> Result<()> {
    let worktree = chore::target().join("last-release");
    let path = worktree
        .to_str()
        .context("the target folder is not UTF-8")?;
    if !worktree.exists() {
        let add = ["worktree", "add", "--detach", path, LAST_RELEASE];
        chore::run(chore::command("git").args(add))?;
    }
    let checkout = ["-C", path, "checkout", "--quiet", "--detach", LAST_RELEASE];
    chore::run(chore::command("git").args(checkout))?;
    let build = ["build", "--quiet", "--bin", "vestibule"];
    chore::run(
        chore::cargo()
            .current_dir(&worktree)
            .env_remove("CARGO_TARGET_DIR")
            .args(build),
    )?;
    let postgres = Postgres::start()?;
    let run = ["run", "--quiet", "--package", "vestibule-e2e", "--example"];
    chore::run(
        chore::cargo()
            .args(run)
            .args(["last_release", FIXTURES])
            .env(postgres::VARIABLE, postgres.url())
            .env(
                "VESTIBULE_TEST_SERVER",
                worktree.join("target/debug/vestibule"),
            ),
    )?;
    chore::run(chore::command("git").args(["worktree", "remove", "--force", path]))
}
