//! `vestibule serve` and `vestibule migrate`.

use clap::Args;
use serde_json::json;

use super::context::Context;
use vestibule_config::Settings;
use vestibule_server::failure::Failure;
use vestibule_server::serve::Server;
use vestibule_server::shutdown::Signals;
use vestibule_server::wiring::Tables;
use vestibule_server::{telemetry, wiring};

#[derive(Debug, Args)]
pub(super) struct ServeCommand {
    /// Address and port for callers
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Address and port for probes and metrics
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<String>,
    /// The URL at which callers reach the server
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// Take this machine's clock for right though the last audit record is later, or more than a
    /// day earlier; needed once
    #[arg(long)]
    pub(super) accept_clock: bool,
}

pub(super) async fn run(context: &Context, command: ServeCommand) -> Result<(), Failure> {
    let mut signals = Signals::install()?;
    let values = context.values(&[
        ("server.listen", command.listen.as_deref()),
        ("server.admin_listen", command.admin_listen.as_deref()),
        ("server.public_url", command.public_url.as_deref()),
    ])?;
    let settings = Settings::for_server(&values, wiring::plan_names)?;
    telemetry::start_log(settings.log_format, &settings.log_level);
    signals.log();
    for warning in settings.warnings().into_iter().chain(values.warnings()) {
        tracing::warn!("{warning}");
    }
    let server = Server::prepare(&settings, command.accept_clock.into()).await?;
    let (url, admin_url) = (server.url().to_owned(), server.admin_url()?);
    server
        .run(
            signals.ended(),
            || tracing::info!(url, admin_url, store = %settings.store, "serving"),
        )
        .await
}

pub(super) async fn migrate(context: &Context) -> Result<(), Failure> {
    let settings = context.settings()?;
    let store = wiring::store(&settings, Tables::Make).await?;
    store.close().await;
    if let Some(sample) = wiring::sample(&settings, Tables::Make).await? {
        sample.close().await;
    }
    context.output.done(
        &json!({ "store": settings.store.to_string() }),
        &format!("{} has the tables of this version.", settings.store),
    )
}
