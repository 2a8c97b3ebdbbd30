//! Installing what the machine lacks. A machine with Rust and nothing else is enough, if it is a
//! Debian and we are root; elsewhere the message says what to install.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::chore;

/// Cargo's helpers and the versions this repository is checked with.
const HELPERS: &[(&str, &str)] = &[("cargo-nextest", "0.9.143"), ("cargo-deny", "0.20.2")];

/// The components of the toolchain beside the compiler.
const COMPONENTS: &[(&str, &str)] = &[("rustfmt", "fmt"), ("clippy", "clippy")];

/// Installs whatever is missing and says what.
pub(crate) fn install() -> Result<()> {
    for (component, subcommand) in COMPONENTS {
        if !chore::succeeds(chore::cargo().args([subcommand, "--version"])) {
            println!("installing {component}");
            chore::run(chore::command("rustup").args(["component", "add", component]))?;
        }
    }
    for (helper, version) in HELPERS {
        if !chore::is_on_path(helper) {
            println!("installing {helper} {version} into target/tools");
            // Built without optimisation: compiling costs far more than these ever run for.
            chore::run(
                chore::cargo()
                    .args([
                        "install",
                        "--quiet",
                        "--locked",
                        "--debug",
                        "--version",
                        version,
                    ])
                    .arg("--root")
                    .arg(chore::tools())
                    .arg(helper),
            )?;
        }
    }
    // The commands of the documents call with curl; the advisories are fetched with git.
    let mut packages = vec!["curl", "git"];
    packages.retain(|program| !chore::is_on_path(program));
    // A database that the caller has already started makes ours unnecessary.
    if postgres_folder().is_none() && env::var_os(crate::postgres::VARIABLE).is_none() {
        packages.push("postgresql");
    }
    install_packages(&packages)
}

/// The folder of the newest PostgreSQL server's programs.
pub(crate) fn postgres_folder() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = versions
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path(),
            ))
        })
        .max()
        .map(|(_, folder)| folder.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    debian
        .into_iter()
        .chain(env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    chore::output(chore::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn install_packages(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !is_root() || !chore::is_on_path("apt-get") {
        bail!("install these with your system's package manager, then run again: {names}");
    }
    println!("installing {names}");
    let apt = || {
        let mut apt = chore::command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    if let Err(error) = chore::run(apt().args(["update", "--quiet"])) {
        println!("going on with the lists that are there: {error:#}");
    }
    chore::run(
        apt()
            .args(["install", "--quiet", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}
