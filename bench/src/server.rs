//! The servers that are compared: a bare handler, and the same handler behind the check.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use axum::{Router, http::HeaderValue, http::header::CONTENT_TYPE};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use tower::Service;
use tower::make::Shared;
use vestibule_layer::{EntryPointExt as _, Permit, Routes, Rule};

use crate::fixture::{self, ANSWER, ROUTE};
use crate::{cpu, first_sight, herd};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A bare handler.
    Bare,
    /// A bare handler whose routes, like those of the checked one, are `/api`'s.
    Checked,
    /// The same, where hardly anybody is remembered and callers are in a database.
    Stored,
    /// The same, where whoever was seen is remembered.
    Herd,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Checked => "checked",
            Self::Stored => "stored",
            Self::Herd => "herd",
        }
    }
}

/// One of them, in a process of its own, on a processor of its own.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(kind: Kind, database: Option<&Path>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", kind.name()]).args(database);
        Self::spawn(&mut command)
    }

    fn spawn(command: &mut Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        cpu::pin(Some(process.id()), 0)?;
        let output = process.stdout.take().context("the server's output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse().context("the server's port")?;
        Ok(Self { process, port })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that runs under callgrind, which counts its instructions.
pub(crate) struct Counted(Server);

impl Counted {
    pub(crate) fn start(kind: Kind) -> Result<Self> {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe()?)
            .args(["serve", kind.name()])
            .stderr(Stdio::piped());
        let server = Server::spawn(&mut command).context("start the server under valgrind")?;
        Ok(Self(server))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    /// Ends the server and returns how many instructions it has executed.
    pub(crate) fn instructions(mut self) -> Result<f64> {
        let process = &mut self.0.process;
        let id = Pid::from_raw(i32::try_from(process.id())?).context("a process id")?;
        kill_process(id, Signal::TERM)?;
        let mut report = String::new();
        let output = process.stderr.take().context("callgrind's report")?;
        BufReader::new(output).read_to_string(&mut report)?;
        // The one line of the form `==12345== Collected : 123456789`.
        let count = report
            .lines()
            .find_map(|line| line.split_once("Collected :"))
            .with_context(|| format!("no count in {report:?}"))?
            .1;
        Ok(count.trim().parse()?)
    }
}

type Answer = ([(axum::http::HeaderName, HeaderValue); 2], &'static str);

const fn answer() -> Answer {
    (
        [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                axum::http::header::CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ),
        ],
        ANSWER,
    )
}

async fn bare() -> Answer {
    answer()
}

async fn checked(_permit: Permit) -> Answer {
    answer()
}

/// Serves on a free port of 127.0.0.1, which it prints, until it is killed.
pub(crate) fn serve(kind: Kind, database: Option<&Path>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match kind {
            Kind::Bare => run(Router::new().route(ROUTE, get(bare)).with_state(())).await,
            Kind::Checked => {
                let (router, table) = Routes::browser()
                    .get(ROUTE, fixture::rule(), checked)
                    .into_parts()?;
                let (check, _) = fixture::check(table)?;
                run(check.guard(router.with_state(()))).await
            }
            Kind::Stored => {
                let (router, table) = Routes::browser()
                    .get(ROUTE, Rule::signed_in(), checked)
                    .into_parts()?;
                let check = first_sight::check(table, database.context("no database")?).await?;
                run(check.guard(router)).await
            }
            Kind::Herd => {
                let (router, table) = Routes::browser()
                    .get(ROUTE, Rule::signed_in(), checked)
                    .into_parts()?;
                let check = herd::check(table, database.context("no database")?).await?;
                run(check.guard(router)).await
            }
        }
    })
}

async fn run<S>(service: S) -> Result<()>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(listener, Shared::new(service)).await?;
    Ok(())
}
