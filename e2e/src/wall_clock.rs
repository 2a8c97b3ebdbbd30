//! A wall clock that a test can set, for processes of its own.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// Stands before the system's library in a process. The server reads the wall clock through that
/// library and the time since boot without it, so that the one is moved and the other is not.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *time)
{
    long result = syscall(SYS_clock_gettime, id, time);
    const char *path = getenv("E2E_WALL_CLOCK");
    if (result != 0 || id != CLOCK_REALTIME || !path)
        return (int)result;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    char text[32] = "";
    if (read(file, text, sizeof text - 1) > 0)
        time->tv_sec += strtol(text, 0, 10);
    close(file);
    return 0;
}
"#;

/// The wall clock of the processes that are started with it; by itself it is the machine's.
#[derive(Debug)]
pub struct WallClock {
    folder: TempDir,
}

impl WallClock {
    /// A clock that shows what the machine's does. Needs a C compiler, as building Rust does.
    pub fn new() -> Self {
        let clock = Self {
            folder: TempDir::new().unwrap(),
        };
        clock.set_ahead(0);
        let source = clock.folder.path().join("clock.c");
        std::fs::write(&source, SHIM).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(clock.shim());
        assert!(compiler.arg(source).status().unwrap().success());
        clock
    }

    /// Sets it this many seconds ahead of the machine's; behind, where they are negative.
    pub fn set_ahead(&self, seconds: i64) {
        // By a new name, so that nobody reads half of it.
        let new = self.folder.path().join("new");
        std::fs::write(&new, seconds.to_string()).unwrap();
        std::fs::rename(new, self.seconds()).unwrap();
    }

    pub(crate) fn environment(&self) -> [(String, String); 2] {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        [
            ("LD_PRELOAD".to_owned(), text(self.shim())),
            ("E2E_WALL_CLOCK".to_owned(), text(self.seconds())),
        ]
    }

    fn shim(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }

    fn seconds(&self) -> PathBuf {
        self.folder.path().join("seconds")
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new()
    }
}
