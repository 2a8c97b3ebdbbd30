//! The server as a process: its end and its memory.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::Fixture;

/// Stops a process where it stands, as a debugger or a full machine does.
pub fn freeze(pid: u32) {
    signal(pid, Signal::STOP);
}

/// Lets a process that was stopped go on.
pub fn thaw(pid: u32) {
    signal(pid, Signal::CONT);
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

impl Fixture {
    fn id(&self) -> Pid {
        Pid::from_raw(self.pid().try_into().unwrap()).unwrap()
    }

    /// Sends the server a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).unwrap();
    }

    /// Asks the server to end, as SIGTERM does.
    pub fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until the server has ended by itself, this long at most.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        tokio::time::timeout(within, self.process.wait())
            .await
            .expect("the server ends in time")
            .unwrap()
    }

    /// Lets no file of the server's grow beyond this many bytes, as a full disk does; `None` lets
    /// them grow again.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(self.id()), Resource::Fsize, limit).unwrap();
    }

    /// The most memory that the server has held at a time, in MiB.
    pub fn peak_memory(&self) -> u64 {
        self.status_of_memory("VmHWM:")
    }

    /// The memory that the server holds, in MiB.
    pub fn memory(&self) -> u64 {
        self.status_of_memory("VmRSS:")
    }

    /// How long the server's threads have run on a processor: work, however busy the machine is.
    pub fn processor_time(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let of_task = |task: std::io::Result<std::fs::DirEntry>| {
            // A thread may have ended meanwhile.
            let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.filter_map(of_task).sum())
    }

    fn status_of_memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kibibytes / 1024
    }
}
