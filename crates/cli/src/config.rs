//! `vestibule config`.

use clap::Subcommand;
use serde_json::{Map, json};

use super::context::Context;
use super::output;
use vestibule_config::{KEYS, Settings};
use vestibule_server::failure::{Code, Failure};
use vestibule_server::wiring;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Is the configuration right?
    Check,
    /// Show every key and its value; secrets as ***
    #[command(before_help = "\
Examples:
  vestibule config show --origin
  vestibule config show --config /etc/vestibule/vestibule.toml --json")]
    Show {
        /// Also where each value came from
        #[arg(long)]
        origin: bool,
    },
}

pub(super) fn run(context: &Context, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => {
            let failed = |failure: Failure| failure.with_code(Code::CheckFailed);
            let values = context.values(&[]).map_err(failed)?;
            let settings = Settings::for_server(&values, wiring::plan_names)
                .map_err(|errors| failed(errors.into()))?;
            let mut warnings = settings.warnings();
            warnings.extend(values.warnings());
            let mut lines: Vec<_> = warnings
                .iter()
                .map(|warning| format!("warning: {warning}"))
                .collect();
            lines.push("The configuration is right.".to_owned());
            context.output.done(
                &json!({ "ok": true, "warnings": warnings }),
                &lines.join("\n"),
            )
        }
        ConfigCommand::Show { origin } => {
            let values = context.values(&[])?.complete()?;
            if context.output.json {
                let mut object = Map::new();
                for (key, _, value, from) in values.shown() {
                    let value = if *origin {
                        json!({ "value": value, "origin": from.to_string() })
                    } else {
                        value
                    };
                    object.insert(key.to_owned(), value);
                }
                return context.output.object(&object.into());
            }
            for (key, value, _, from) in values.shown() {
                let from = if *origin {
                    format!("  # {from}")
                } else {
                    String::new()
                };
                output::data(&format!("{key} = {value}{from}"))?;
            }
            for key in KEYS.iter().filter(|key| !values.has(key.name)) {
                output::data(&format!("# {} is not set: {}", key.name, key.help))?;
            }
            Ok(())
        }
    }
}
