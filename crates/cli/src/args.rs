//! Arguments that several commands take.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use vestibule_accounts::{Cursor, Page};
use vestibule_model::Invalid;

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Global {
    /// The configuration file [default: ./vestibule.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "VESTIBULE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The folder of a quickstart, whose configuration is used
    #[cfg(feature = "devtools")]
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// Overrule one key of the configuration; not for secrets
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PageArgs {
    /// The most entries to list
    #[arg(long, default_value_t = 100, value_parser = limit)]
    pub(super) limit: u32,
    /// The number of entries to skip
    #[arg(long, default_value_t = 0, value_parser = offset)]
    pub(super) offset: u32,
    /// Go on after this item: `next` of an earlier answer
    #[arg(long, value_name = "CURSOR", value_parser = cursor, conflicts_with = "offset")]
    pub(super) after: Option<Cursor>,
}

pub(super) fn limit(text: &str) -> Result<u32, String> {
    within(text, 1..=1_000)
}

pub(super) fn offset(text: &str) -> Result<u32, String> {
    within(text, 0..=Page::MAX_OFFSET)
}

fn cursor(text: &str) -> Result<Cursor, String> {
    text.parse().map_err(|invalid: Invalid| invalid.message)
}

fn within(text: &str, bounds: RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        let (least, most) = bounds.into_inner();
        format!("must be a number from {least} to {most}")
    })
}

impl From<PageArgs> for Page {
    fn from(args: PageArgs) -> Self {
        match args.after {
            Some(cursor) => Self::after(args.limit, cursor),
            None => Self::at(args.limit, args.offset),
        }
    }
}

/// Consent to what cannot be undone, or takes something from somebody.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Yes {
    /// Do it without asking
    #[arg(long)]
    pub(super) yes: bool,
}
