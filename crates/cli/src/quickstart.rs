//! `vestibule quickstart`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::output;
use vestibule_config::{Provenance, Settings, socket_address};
use vestibule_devtools::quickstart;
use vestibule_devtools::quickstart::Configured;
use vestibule_server::failure::Failure;
use vestibule_server::shutdown::Signals;
use vestibule_server::{telemetry, wiring};

#[derive(Debug, Args)]
pub(super) struct QuickstartCommand {
    /// The folder that keeps everything; made if it is not there [default: vestibule-data]
    // In the place of the global flag of this name, which says something else.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// Refused: a quickstart brings its own configuration.
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG", hide = true)]
    pub(super) config: Option<PathBuf>,
    /// The loopback address to listen on; port 0 takes any free port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = socket_address)]
    pub(super) listen: Option<SocketAddr>,
    /// Also start an identity provider for development, and connect the first organisation with it
    #[arg(long)]
    pub(super) with_idp: bool,
    /// Take this machine's clock for right though the last audit record is later, or more than a
    /// day earlier; needed once
    #[arg(long)]
    pub(super) accept_clock: bool,
}

/// The folder, unless another is named.
const DATA_DIR: &str = "./vestibule-data";

pub(super) async fn run(context: &Context, command: QuickstartCommand) -> Result<(), Failure> {
    if command.config.is_some() {
        return Err(Failure::usage("A quickstart brings its own configuration.")
            .hint("Use --data-dir DIR, or `vestibule serve --config FILE`."));
    }
    let mut signals = Signals::install()?;
    let dir = command.data_dir.or_else(|| context.global.data_dir.clone());
    let dir = dir.unwrap_or_else(|| PathBuf::from(DATA_DIR));
    let wanted = quickstart::Wanted {
        listen: command.listen,
        with_idp: command.with_idp,
        old_clock: command.accept_clock.into(),
    };
    let prepared = quickstart::prepare(&dir, wanted, |file| {
        let values = context.sources(Some(file.to_owned()), &[])?.read();
        let settings = Settings::for_quickstart(&values, wiring::plan_names)?;
        // One line for each request would drown what there is to paste.
        let asked_for = values.provenance("log.level") != Some(&Provenance::Default);
        let level = if asked_for {
            settings.log_level.as_str()
        } else {
            "warn"
        };
        telemetry::start_log(settings.log_format, level);
        signals.log();
        Ok(Configured {
            settings,
            probes_have_a_place: values.provenance("server.admin_listen")
                != Some(&Provenance::Default),
        })
    })
    .await?;
    let (shown, cookie) = (prepared.shown, prepared.cookie_name);
    let json = context.output.json;
    prepared
        .server
        .run(signals.ended(), || {
            let printed = if json {
                serde_json::to_string(&shown)
                    .map_err(Failure::defect)
                    .and_then(|line| output::data(&line))
            } else {
                output::data(&shown.to_text(&cookie))
            };
            if let Err(failure) = printed {
                output::failure(&failure, json);
            }
        })
        .await
}
