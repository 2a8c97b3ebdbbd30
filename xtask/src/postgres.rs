//! A PostgreSQL server for one run of the tests, in a temporary folder.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{chore, tools};

/// The variable in which the tests look for the server's URL.
pub(crate) const VARIABLE: &str = "VESTIBULE_TEST_POSTGRES";

/// Starts the server and waits for the end of its own input, which comes when this process ends,
/// however it does; then stops the server and deletes the folder.
const GUARDIAN: &str = r#"
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;

/// A running server. It stops, and its folder goes, when this is dropped and also when this
/// process is killed.
pub(crate) struct Postgres {
    guardian: Child,
    port: u16,
    password: String,
}

impl Postgres {
    /// Creates and starts a server that listens on loopback alone and can be used when this
    /// returns.
    pub(crate) fn start() -> Result<Self> {
        let programs = tools::postgres_folder().context("there is no PostgreSQL server here")?;
        let folder = tempfile::Builder::new()
            .prefix("vestibule-postgres-")
            .tempdir()
            .context("cannot create a temporary folder")?;
        let password = random_text()?;
        let user = Unprivileged::find()?;
        create(&programs, folder.path(), &user, &password)?;

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = user.command(&programs.join("postgres"));
        server.arg("-D").arg(folder.path().join("data"));
        for setting in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
            // The tests kill our server, never the machine: nothing has to reach the disk.
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            // No commit waits for a standby, so that one test can have a standby that never answers.
            "synchronous_commit=local".to_owned(),
        ] {
            server.arg("-c").arg(setting);
        }
        // From here on the guardian deletes the folder.
        let folder = folder.keep();
        let guardian = chore::command("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&folder)
            .arg(server.get_program())
            .args(server.get_args())
            .current_dir("/") // the user below may not be able to enter ours
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C is for us; the guardian tidies up after it
            .spawn()
            .context("cannot start the guardian of PostgreSQL")?;
        let postgres = Self {
            guardian,
            port,
            password,
        };
        postgres.wait(&programs, &folder)?;
        Ok(postgres)
    }

    /// The URL for the tests.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/postgres",
            self.password, self.port
        )
    }

    fn wait(&self, programs: &Path, folder: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        while Instant::now() < deadline {
            if chore::succeeds(chore::command(programs.join("pg_isready")).args([
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
            ])) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        bail!("PostgreSQL did not start within a minute; its log:\n{log}")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        if let Err(error) = self.guardian.wait() {
            eprintln!("cannot wait for PostgreSQL to stop: {error}");
        }
    }
}

/// Runs `initdb` and leaves the folder to the user that the server runs as.
fn create(programs: &Path, folder: &Path, user: &Unprivileged, password: &str) -> Result<()> {
    let password_file = folder.join("password");
    fs::File::create(&password_file)?.write_all(password.as_bytes())?;
    user.give(folder)?;
    chore::run(
        user.command(&programs.join("initdb"))
            .arg("-D")
            .arg(folder.join("data"))
            .arg("--pwfile")
            .arg(&password_file)
            .args(["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"])
            // In clear over loopback: SCRAM costs an unoptimised client 50 ms a connection.
            .args(["--auth=password", "--no-sync", "--no-instructions"])
            .stdout(Stdio::null()),
    )
}

/// Who the server runs as: PostgreSQL refuses to run as root.
struct Unprivileged(Option<&'static str>);

impl Unprivileged {
    fn find() -> Result<Self> {
        if !tools::is_root() {
            return Ok(Self(None));
        }
        ["postgres", "nobody"]
            .into_iter()
            .find(|user| chore::succeeds(chore::command("id").arg(user)))
            .map(|user| Self(Some(user)))
            .context("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")
    }

    fn command(&self, program: &Path) -> Command {
        let Some(user) = self.0 else {
            return chore::command(program);
        };
        let mut command = chore::command("setpriv");
        command
            .args([format!("--reuid={user}"), "--regid=nogroup".to_owned()])
            .arg("--clear-groups")
            .arg(program)
            .current_dir("/");
        command
    }

    fn give(&self, folder: &Path) -> Result<()> {
        match self.0 {
            Some(user) => chore::run(chore::command("chown").args(["-R", user]).arg(folder)),
            None => Ok(()),
        }
    }
}

fn random_text() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open(PathBuf::from("/dev/urandom"))?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
