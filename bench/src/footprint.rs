//! Figures 8 and 9: memory when idle, and the time from start to the first answer.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cpu;

/// The real server, on a data folder of its own.
pub(crate) struct Vestibule {
    process: Child,
    /// What `quickstart --json` printed.
    pub(crate) facts: serde_json::Value,
    pub(crate) port: u16,
    /// From the start of the process to its line, which it prints once it answers.
    pub(crate) until_first_answer: Duration,
}

impl Vestibule {
    /// Starts `quickstart` on a folder, new or not. The binary is the one beside this program.
    pub(crate) fn start(folder: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let start = Instant::now();
        let mut process = Command::new(binary()?)
            .args([
                "quickstart",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(folder)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start vestibule")?;
        let output = process.stdout.take().context("the server's output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let until_first_answer = start.elapsed();
        let facts: serde_json::Value = serde_json::from_str(&line).context("quickstart's line")?;
        let port = facts["url"]
            .as_str()
            .and_then(|url| url.rsplit_once(':')?.1.trim_end_matches('/').parse().ok())
            .context("the server's port")?;
        Ok(Self {
            process,
            facts,
            port,
            until_first_answer,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Vestibule {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The binary beside this program.
pub(crate) fn binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("vestibule");
    anyhow::ensure!(
        binary.exists(),
        "build the server first: cargo build --profile dist --bin vestibule"
    );
    Ok(binary)
}

pub(crate) fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    drop(Vestibule::start(&data, &[])?);
    println!("the server on an existing database");
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let server = Vestibule::start(&data, &[])?;
        starts.push(server.until_first_answer.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(500));
        let idle = cpu::memory(server.pid(), "VmRSS")?;
        memory.push(f64::from(u32::try_from(idle / 1024)?) / 1024.0);
    }
    println!(
        "  start to first answer {:.0} ms (goal 50, first bar 300)",
        cpu::median(starts)
    );
    println!(
        "  resident when idle {:.1} MiB (goal 20, first bar 50)",
        cpu::median(memory)
    );
    Ok(())
}
