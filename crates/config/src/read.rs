//! Validation of single values. Every function returns the value, or the rest of a sentence that
//! begins with the key.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use vestibule_check::{CacheBounds, CoreParts};
use vestibule_credential::seal::MasterKey;
use vestibule_http::ForwardedHeader;
use vestibule_model::Network;
use vestibule_store::{Checkpoints, StoreUrl};

use super::kind::Raw;
use super::settings::LogFormat;
use super::value::Value;

/// A connection that is kept for longer is not waiting for anything.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A file that a key names, and its content.
pub(crate) struct NamedFile {
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
}

/// Reads an address and a port to listen on. `localhost` is the loopback address.
///
/// # Errors
/// A sentence on the expected form.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        "must be an address and a port such as 127.0.0.1:8080, localhost:8080 or [::]:8080"
            .to_owned()
    })
}

pub(crate) fn text(value: &Value) -> Result<String, String> {
    str_of(value).map(str::to_owned)
}

pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(value: &Value) -> Result<T, String> {
    str_of(value)?
        .parse()
        .map_err(|error: T::Err| error.to_string())
}

pub(crate) fn address(value: &Value) -> Result<SocketAddr, String> {
    socket_address(str_of(value)?)
}

pub(crate) fn flag(value: &Value) -> Result<bool, String> {
    match value.raw {
        Raw::Flag(flag) => Ok(flag),
        _ => Err("must be true or false".to_owned()),
    }
}

pub(crate) fn positive(value: &Value) -> Result<NonZeroU32, String> {
    let count = match value.raw {
        Raw::Count(count) => u32::try_from(count).ok().and_then(NonZeroU32::new),
        _ => None,
    };
    count.ok_or_else(|| "must be a whole number, one or above".to_owned())
}

pub(crate) fn duration(value: &Value) -> Result<Duration, String> {
    match value.raw {
        Raw::Duration(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("must be longer than 0s".to_owned()),
    }
}

pub(crate) fn timeout(value: &Value) -> Result<Duration, String> {
    let timeout = duration(value)?;
    if timeout > LONGEST_TIMEOUT {
        return Err("must be 1d or shorter".to_owned());
    }
    Ok(timeout)
}

/// Reads the number of connections to the database.
pub(crate) fn connections(value: &Value) -> Result<NonZeroU32, String> {
    let count = positive(value)?;
    // With fewer than three, a list and a transaction would leave none for recognising callers.
    if (3..=1_000).contains(&count.get()) {
        Ok(count)
    } else {
        Err("must be from 3 to 1000".to_owned())
    }
}

/// Reads MiB of bodies as bytes.
pub(crate) fn body_bytes(value: &Value) -> Result<usize, String> {
    mebibytes(
        value,
        CoreParts::LEAST_BODY_BYTES,
        "must be 8 or above: one caller may have an eighth of it, and one body is up to 1 MiB long",
    )
}

/// Reads MiB of the cache as bytes.
pub(crate) fn cache_bytes(value: &Value) -> Result<usize, String> {
    mebibytes(
        value,
        CacheBounds::LEAST_BYTES,
        "must be 4 or above: a caller with all grants and groups that one may have takes up to \
         3 MiB",
    )
}

fn mebibytes(value: &Value, least: usize, message: &str) -> Result<usize, String> {
    let mib = usize::try_from(positive(value)?.get()).ok();
    let bytes = mib.and_then(|mib| mib.checked_mul(1024 * 1024));
    bytes
        .filter(|bytes| *bytes >= least)
        .ok_or_else(|| message.to_owned())
}

/// Reads the URL of a database. A relative file of SQLite lies beside the configuration file that
/// names it, unless it is spelt `sqlite://`, which means the current folder.
pub(crate) fn store_url(value: &Value) -> Result<StoreUrl, String> {
    let url: StoreUrl = parsed(value)?;
    Ok(match value.provenance.base() {
        Some(folder) if !str_of(value)?.starts_with("sqlite://") => url.beside(folder),
        _ => url,
    })
}

pub(crate) fn checkpoints(value: &Value) -> Result<Checkpoints, String> {
    match str_of(value)? {
        "auto" => Ok(Checkpoints::Auto),
        "external" => Ok(Checkpoints::External),
        _ => Err("must be auto or external".to_owned()),
    }
}

pub(crate) fn forwarded_header(value: &Value) -> Result<ForwardedHeader, String> {
    ForwardedHeader::named(str_of(value)?)
        .ok_or_else(|| "must be x-forwarded-for or forwarded".to_owned())
}

pub(crate) fn issuer(value: &Value) -> Result<String, String> {
    let text = str_of(value)?;
    if (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be a name or URL of 1 to 255 characters without spaces".to_owned())
    }
}

pub(crate) fn master_key(value: &Value) -> Result<MasterKey, String> {
    MasterKey::from_text(str_of(value)?).map_err(|error| format!("is no master key: {error}"))
}

/// Reads the name of a cookie, a token (RFC 6265, 4.1.1).
pub(crate) fn cookie_name(value: &Value) -> Result<String, String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let text = str_of(value)?;
    if text.is_empty() || text.len() > 64 || !text.chars().all(ok) {
        return Err(
            "must be a cookie's name such as __Host-vestibule: 1 to 64 letters, digits, '-', '_'"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

pub(crate) fn networks(value: &Value) -> Result<Vec<Network>, String> {
    let networks = list(value)?.iter().map(|item| {
        let network = item.parse::<Network>();
        network.map_err(|error| format!("has {item:?}, which {error}"))
    });
    networks.collect()
}

/// Reads names and addresses of hosts, spelt as URLs have them.
pub(crate) fn hosts(value: &Value) -> Result<Vec<String>, String> {
    let items = list(value)?;
    let wrong = |item: &&String| item.is_empty() || item.contains(['/', '@', ' ', '*']);
    if let Some(item) = items.iter().find(wrong) {
        return Err(format!(
            "has {item:?}, which must be a name or an address alone"
        ));
    }
    let bare = |item: &String| {
        let bare = item.trim_matches(['[', ']']).to_ascii_lowercase();
        // As URLs have it when they are compared: `2001:0db8::1` is `2001:db8::1` there.
        match bare.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => bare,
        }
    };
    Ok(items.iter().map(bare).collect())
}

/// Reads the file that a value names, which lies beside the configuration.
pub(crate) fn named_file(value: &Value) -> Result<NamedFile, String> {
    let path = value.provenance.resolve(str_of(value)?);
    match std::fs::read(&path) {
        Ok(content) => Ok(NamedFile { path, content }),
        Err(error) => Err(format!(
            "names {}, which cannot be read: {error}",
            path.display()
        )),
    }
}

pub(crate) fn log_format(value: &Value) -> Result<LogFormat, String> {
    match str_of(value)? {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".to_owned()),
    }
}

pub(crate) fn log_level(value: &Value) -> Result<String, String> {
    let text = str_of(value)?;
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(
            "must be error, warn, info, debug, trace or directives such as \
             info,vestibule_store=debug"
                .to_owned(),
        ),
    }
}

fn str_of(value: &Value) -> Result<&str, String> {
    match &value.raw {
        Raw::Text(text) => Ok(text),
        _ => Err("must be a text".to_owned()),
    }
}

fn list(value: &Value) -> Result<&[String], String> {
    match &value.raw {
        Raw::List(items) => Ok(items),
        _ => Err("must be a list of texts".to_owned()),
    }
}
