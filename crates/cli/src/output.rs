//! The only place that prints. Names, paths and messages of others are among it, so nothing that a
//! terminal would obey is printed.

use std::borrow::Cow;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::{Value, json};
use vestibule_accounts::{Count, Listed};

use super::args::Yes;
use vestibule_server::failure::{Code, Failure};
use vestibule_server::printable::{escape, escape_all};

/// The format of printed data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// One thing: JSON, or a line for each of its members.
    pub(super) fn object(self, object: &Value) -> Result<(), Failure> {
        if self.json {
            return data(&object.to_string());
        }
        let members = object.as_object().into_iter().flatten();
        let lines: Vec<_> = members
            .map(|(name, value)| format!("{name}: {}", cell(value)))
            .collect();
        data(&lines.join("\n"))
    }

    /// A list: JSON, or a table of these columns.
    pub(super) fn list(self, columns: &[&str], items: &[Value], total: u64) -> Result<(), Failure> {
        if self.json {
            return data(&json!({ "items": items, "total": total }).to_string());
        }
        table(columns, items)?;
        let shown = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if shown < total {
            message(&format!("{shown} of {total}; see --limit and --offset"));
        }
        Ok(())
    }

    /// A part of a list, and how to go on after it: JSON, or a table of these columns.
    pub(super) fn part<T>(
        self,
        columns: &[&str],
        part: &Listed<T>,
        describe: impl FnMut(&T) -> Value,
    ) -> Result<(), Failure> {
        let items: Vec<_> = part.items.iter().map(describe).collect();
        let next = part.next.map(|cursor| cursor.to_string());
        if self.json {
            let mut all = counted(&items, part.total);
            all["next"] = next.into();
            return data(&all.to_string());
        }
        table(columns, &items)?;
        if part.next.is_some() || part.skipped > 0 {
            let on = next.map_or_else(String::new, |next| format!("; go on with --after {next}"));
            message(&format!("{} of {}{on}", items.len(), in_words(part.total)));
        }
        Ok(())
    }

    /// The newest items of a list: JSON, or a table of these columns.
    pub(super) fn newest(
        self,
        columns: &[&str],
        items: &[Value],
        total: Count,
    ) -> Result<(), Failure> {
        if self.json {
            return data(&counted(items, total).to_string());
        }
        table(columns, items)?;
        let shown = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if shown < total.counted() {
            let total = in_words(total);
            message(&format!(
                "{shown} of {total}; see --limit, --offset and --until"
            ));
        }
        Ok(())
    }

    /// Prints what comes next in a list that grows: JSON, or a table of these columns.
    pub(super) fn followed(
        self,
        columns: &[&str],
        items: &[Value],
        next: &str,
    ) -> Result<(), Failure> {
        if self.json {
            return data(&json!({ "items": items, "next": next }).to_string());
        }
        table(columns, items)?;
        message(&format!("Go on with --after {next}"));
        Ok(())
    }
    /// Adds warnings about what is printed next: a member of the JSON, or messages.
    pub(super) fn warn(self, object: &mut Value, warnings: Vec<String>) {
        if self.json {
            object["warnings"] = warnings.into();
        } else {
            for warning in warnings {
                message(&warning);
            }
        }
    }

    /// Prints the outcome: JSON, or a message.
    pub(super) fn done(self, object: &Value, text: &str) -> Result<(), Failure> {
        if self.json {
            data(&object.to_string())
        } else {
            message(text);
            Ok(())
        }
    }
}

fn counted(items: &[Value], total: Count) -> Value {
    json!({
        "items": items,
        "total": total.counted(),
        "total_is_exact": total.is_exact(),
    })
}

fn in_words(total: Count) -> String {
    match total {
        Count::Exact(total) => total.to_string(),
        Count::MoreThan(total) => format!("more than {},{:03}", total / 1_000, total % 1_000),
        Count::AtLeast(total) => format!("at least {total}"),
    }
}

/// A table of these columns.
fn table(columns: &[&str], items: &[Value]) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| columns.iter().map(|column| cell(&item[*column])).collect())
        .collect();
    let width = |index: usize| {
        let cells = rows.iter().map(|row| row[index].chars().count());
        cells.chain([columns[index].len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut columns.iter().copied())];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    data(&lines.join("\n"))
}

/// Data, for whoever comes after the pipe.
pub(super) fn data(text: &str) -> Result<(), Failure> {
    is_read(text).map(drop)
}

/// Prints data. Returns whether somebody still reads.
pub(super) fn is_read(text: &str) -> Result<bool, Failure> {
    let mut out = stdout().lock();
    let written = writeln!(out, "{}", escape(text)).and_then(|()| out.flush());
    match written {
        Ok(()) => Ok(true),
        // Whoever read has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(format!("Cannot print: {error}."))),
    }
}

/// A message, for whoever sits there.
pub(super) fn message(text: &str) {
    let _ = writeln!(stderr(), "{}", escape(text));
}

/// Prints the reason of a failure: for people, or one line of JSON.
pub(super) fn failure(failure: &Failure, as_json: bool) {
    if as_json {
        message(&failure.json().to_string());
    } else {
        message(&format!("error: {failure}"));
    }
}

/// Prints what clap says: help and version are data, anything else is a message.
pub(super) fn usage(error: &clap::Error, as_json: bool) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if as_json {
        failure(&misread(error), true);
    } else {
        let text = error.render().to_string();
        match escape(&text) {
            // With its colours, where it repeats nothing that a terminal would obey.
            Cow::Borrowed(_) => {
                let _ = error.print();
            }
            Cow::Owned(_) => message(text.trim_end()),
        }
    }
    Code::Usage.into()
}

/// Returns clap's word on a wrong command line, without the usage that follows it.
fn misread(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("A command is missing.").hint("See --help.");
    }
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = first.split_whitespace().collect();
    let sentence = words.join(" ");
    let failure = Failure::usage(sentence.trim_start_matches("error: ")).hint("See --help.");
    match error.get(ContextKind::InvalidArg) {
        // `--limit <LIMIT>` and `<USER>` are `--limit` and `USER`.
        Some(ContextValue::String(argument)) => {
            let name = argument.split(' ').next().unwrap_or_default();
            failure.field(name.trim_matches(['<', '>']))
        }
        Some(ContextValue::Strings(arguments)) => failure.field(arguments.join(", ")),
        _ => failure,
    }
}

/// Asks on a terminal before something is done that cannot be undone; elsewhere wants `--yes`.
pub(super) fn confirm(yes: Yes, what: &str) -> Result<(), Failure> {
    consent(yes, &format!("{what} cannot be undone."))
}

/// Says what will be and asks on a terminal whether to do it; elsewhere wants `--yes`.
pub(super) fn consent(yes: Yes, sentence: &str) -> Result<(), Failure> {
    if yes.yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(Failure::usage(sentence)
            .reason("consent_needed")
            .field("--yes")
            .hint("Say --yes."));
    }
    let _ = write!(stderr(), "{} Do it? [y/N] ", escape_all(sentence));
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    match answer.trim() {
        "y" | "Y" | "yes" if read.is_ok() => Ok(()),
        _ => Err(Failure::new(Code::Cancelled, "Nothing was done.")),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        // A cell is one line, and as wide as it is counted.
        Value::String(text) => escape_all(text).into_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let each = members
                .iter()
                .map(|(name, value)| format!("{}={}", escape_all(name), cell(value)));
            each.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
