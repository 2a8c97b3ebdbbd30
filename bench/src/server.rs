//! The servers that are compared: a bare handler, and the same handler behind the check.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use axum::{Router, http::HeaderValue, http::header::CONTENT_TYPE};
use clap::ValueEnum;
use tower::make::Shared;
use tower::{Layer, Service};
use vestibule_layer::{CheckLayer, Permit, Routes, Rule};

use crate::fixture::{self, ANSWER, ROUTE};
use crate::{cpu, first_sight};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A bare handler.
    Bare,
    /// A bare handler whose routes, like those of the checked one, are `/api`'s.
    Checked,
    /// The same, where hardly anybody is remembered and callers are in a database.
    Stored,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Checked => "checked",
            Self::Stored => "stored",
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
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", kind.name()])
            .args(database)
            .stdout(Stdio::piped())
            .spawn()?;
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
                run(CheckLayer::new(check).layer(router.with_state(()))).await
            }
            Kind::Stored => {
                let (router, table) = Routes::browser()
                    .get(ROUTE, Rule::signed_in(), checked)
                    .into_parts()?;
                let check = first_sight::check(table, database.context("no database")?).await?;
                run(CheckLayer::new(check).layer(router)).await
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
