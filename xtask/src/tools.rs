//! Installing what the machine lacks. A machine with Rust and nothing else is enough, if it is a
//! Debian and we are root; elsewhere the message says what to install.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::chore;

/// Cargo's helpers and the versions this repository is checked with.
const HELPERS: &[(&str, &str)] = &[("cargo-nextest", "0.9.143"), ("cargo-deny", "0.20.2")];

/// The components of the toolchain beside the compiler.
const COMPONENTS: &[(&str, &str)] = &[("rustfmt", "fmt"), ("clippy", "clippy")];

/// An identity provider that the tests sign in with, and what it needs for OpenID Connect: no
/// service is started by these, the tests start one in a folder of their own.
const PORTAL_PACKAGES: &[&str] = &[
    "liblemonldap-ng-portal-perl",
    "libcrypt-openssl-bignum-perl",
    "libio-string-perl",
    "libstring-random-perl",
];

/// The proxy that the tests put in front of a server.
const NGINX: &str = "/usr/sbin/nginx";

/// The modules of these packages, as arguments to perl.
const PORTAL_MODULES: &[&str] = &[
    "-MLemonldap::NG::Portal",
    "-MCrypt::OpenSSL::Bignum",
    "-MIO::String",
    "-MString::Random",
];

/// The folders with packages of npm's, none of which is shipped.
const PACKAGES: &[&str] = &["e2e/browser", "e2e/providers"];

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
    // npm fetches what others wrote for our tests; the pages are tried in a real browser.
    let mut packages = vec!["curl", "git", "npm", "chromium"];
    packages.retain(|program| !chore::is_on_path(program));
    if !chore::is_on_path("chromedriver") {
        // Of the same version as the browser, which is renewed with it where needed.
        packages.extend(["chromium-driver", "chromium"]);
    }
    if !chore::is_on_path("node") {
        packages.push("nodejs");
    }
    // A database that the caller has already started makes ours unnecessary.
    if postgres_folder().is_none() && env::var_os(crate::postgres::VARIABLE).is_none() {
        packages.push("postgresql");
    }
    if !chore::succeeds(
        chore::command("perl")
            .args(PORTAL_MODULES)
            .args(["-e", "1"]),
    ) {
        packages.extend(PORTAL_PACKAGES);
    }
    if !Path::new(NGINX).exists() {
        packages.push("nginx-light");
    }
    install_packages(&packages)?;
    PACKAGES.iter().try_for_each(|folder| install_npm(folder))
}

/// Installs what a folder's package-lock.json names, unless that has been done.
fn install_npm(folder: &str) -> Result<()> {
    let folder = chore::root().join(folder);
    let lock = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|before| before == lock) {
        return Ok(());
    }
    println!("installing the packages of {}", folder.display());
    let mut npm = chore::command("npm");
    // What a package would run while it is installed, it does not run here.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    chore::run(npm.current_dir(&folder))?;
    fs::write(installed, lock).context("cannot note what is installed")
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

/// Returns true if this process runs as root.
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
