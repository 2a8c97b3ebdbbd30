//! Licences, bans, sources and advisories of what we depend on.

use anyhow::Result;

use crate::chore;
use crate::suite::Verdict;

/// Licences, bans and sources: all that needs no network.
pub(crate) fn terms() -> Result<()> {
    let check = ["deny", "check", "--hide-inclusion-graph"];
    chore::run(
        chore::cargo()
            .args(check)
            .args(["licenses", "bans", "sources"]),
    )
}

/// Known vulnerabilities. Whether their list can be fetched is a property of the machine, not of
/// the change: where it cannot, the summary says that nobody looked.
pub(crate) fn advisories() -> Result<Verdict> {
    let fetched = chore::command("timeout")
        .args(["180", "cargo", "deny", "fetch", "db"])
        .status();
    if !fetched.is_ok_and(|status| status.success()) {
        return Ok(Verdict::NotChecked(
            "the advisory database cannot be fetched from here",
        ));
    }
    chore::run(chore::cargo().args(["deny", "check", "advisories"]))?;
    Ok(Verdict::Passed)
}
