//! A server to try out: one command, one folder, on this machine alone.

mod data_dir;
mod idp;
mod lines;
mod quoted;
mod seed;
mod shown;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use tokio::net::TcpListener;

pub use data_dir::DataDir;
use idp::Idp;
pub use shown::{Shown, ShownOrganization, ShownUser};

use vestibule_config::Settings;
use vestibule_server::failure::Failure;
use vestibule_server::serve::{Server, bind};
use vestibule_server::wiring::{OldClock, Tables};

/// The address to listen on unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// The address for probes, if the port is free.
const ADMIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// A quickstart that listens, and what there is to tell of it.
pub struct Quickstart {
    /// The server.
    pub server: Server,
    /// The facts to show; with secrets at the first start alone.
    pub shown: Shown,
    /// The name of the session cookie.
    pub cookie_name: String,
}

/// The configuration of a quickstart.
pub struct Configured {
    /// The settings.
    pub settings: Settings,
    /// True if the configuration names an address for probes.
    pub probes_have_a_place: bool,
}

/// The options of a quickstart.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The address to listen on, if not the one of the last start.
    pub listen: Option<SocketAddr>,
    /// True to run a provider for development beside it.
    pub with_idp: bool,
    /// The reaction to a clock that is behind.
    pub old_clock: OldClock,
}

/// Prepares a quickstart in a folder: makes everything where nothing is, keeps everything where
/// something is; beside it a provider for development, where that is wanted.
///
/// Two servers may run on one folder: each hears what the other changes, as it hears the command
/// line.
pub async fn prepare(
    dir: &Path,
    wanted: Wanted,
    settings: impl FnOnce(&Path) -> Result<Configured, Failure>,
) -> Result<Quickstart, Failure> {
    let Wanted {
        listen,
        with_idp,
        old_clock,
    } = wanted;
    if let Some(listen) = listen {
        loopback(listen)?;
    }
    let dir = DataDir::new(dir);
    let lock = dir.lock()?;
    let is_new = dir.prepare(listen.unwrap_or(LISTEN))?;
    let Configured {
        mut settings,
        probes_have_a_place,
    } = settings(&dir.config_file())?;
    let listen = listen.unwrap_or(settings.server.listen);
    loopback(listen)?;
    // The ports first: a second quickstart on them must not touch the folder.
    let listener = bind("--listen", listen).await?;
    let admin_listener = if probes_have_a_place {
        loopback(settings.server.admin_listen)?;
        bind("server.admin_listen", settings.server.admin_listen).await?
    } else {
        admin_port(listen).await?
    };
    let idp = if with_idp {
        let idp = Idp::take(&dir, listen.port() == 0).await?;
        idp.allow(&mut settings)?;
        Some(idp)
    } else {
        None
    };
    // A folder that has been used has its database: one that is gone is not replaced unasked.
    let tables = if is_new {
        Tables::Make
    } else {
        Tables::Upgrade
    };
    let server = Server::on(listener, admin_listener, &settings, tables, old_clock).await?;
    let secrets = if is_new {
        let secrets = seed::everything(server.wired()).await?;
        dir.finish()?;
        Some(secrets)
    } else {
        None
    };
    let idp = match idp {
        Some(idp) => Some(idp.connect(&server, &settings).await?),
        None => None,
    };
    drop(lock);
    let shown = shown::gather(&server, &dir, secrets, idp).await?;
    Ok(Quickstart {
        server,
        shown,
        cookie_name: settings.cookie_name,
    })
}

fn loopback(address: SocketAddr) -> Result<(), Failure> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "A quickstart does not listen on {address}: it is for this machine alone."
    ))
    .hint("Use a loopback address such as 127.0.0.1:8080, or `vestibule serve`."))
}

/// The port for probes where nobody has named one: any, where the usual one is taken or the other
/// one is any, too.
async fn admin_port(listen: SocketAddr) -> Result<TcpListener, Failure> {
    if listen.port() != 0
        && let Ok(listener) = TcpListener::bind(ADMIN_LISTEN).await
    {
        return Ok(listener);
    }
    bind("server.admin_listen", SocketAddr::new(listen.ip(), 0)).await
}
