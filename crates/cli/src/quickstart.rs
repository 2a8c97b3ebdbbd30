//! `vestibule quickstart`.

use std::path::PathBuf;

use super::args::QuickstartCommand;
use super::context::Context;
use super::output;
use vestibule_config::{Provenance, Settings};
use vestibule_devtools::quickstart;
use vestibule_devtools::quickstart::Configured;
use vestibule_server::failure::Failure;
use vestibule_server::shutdown::Signals;
use vestibule_server::{telemetry, wiring};

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
