//! Secrets come in by stdin or by file: a flag would be in the shell's history and in every
//! process list.

use std::io::Read as _;
use std::path::PathBuf;

use vestibule_credential::password::PlainPassword;

use vestibule_server::failure::Failure;

/// The longest secret that is read, in bytes.
const MAX: u64 = 16 * 1024;

/// Reads a secret; without the line break at its end, which editors and `echo` add.
pub(super) fn read(from_stdin: bool, file: Option<&PathBuf>) -> Result<Option<String>, Failure> {
    let mut text = String::new();
    match (from_stdin, file) {
        (false, None) => return Ok(None),
        (true, _) => std::io::stdin().take(MAX).read_to_string(&mut text),
        (false, Some(file)) => {
            std::fs::File::open(file).and_then(|opened| opened.take(MAX).read_to_string(&mut text))
        }
    }
    .map_err(|error| {
        let place = match file {
            Some(file) if !from_stdin => file.display().to_string(),
            _ => "stdin".to_owned(),
        };
        Failure::failed(format!("The secret cannot be read from {place}: {error}."))
    })?;
    let end = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(end);
    Ok(Some(text))
}

/// Reads a password.
pub(super) fn password(
    from_stdin: bool,
    file: Option<&PathBuf>,
) -> Result<Option<PlainPassword>, Failure> {
    read(from_stdin, file)?
        .map(|text| {
            PlainPassword::try_from(text)
                .map_err(|invalid| Failure::usage(format!("The password {invalid}.")))
        })
        .transpose()
}
