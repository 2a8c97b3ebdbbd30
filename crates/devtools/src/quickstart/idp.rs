//! The provider for development beside a quickstart, and the connection with it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use vestibule_accounts::{Caller, Page};
use vestibule_federation::{NewConnection, NewSecret, Sso, sso_settings};
use vestibule_model::{ConnectionId, Entropy as _, OsEntropy};
use vestibule_sso::{PlainClientSecret, Preset};

use super::data_dir::{DataDir, IDP};
use crate::dev_idp::{self, CLIENT_ID, DevIdpParts};
use vestibule_config::Settings;
use vestibule_server::OPERATOR;
use vestibule_server::failure::{Code, Failure};
use vestibule_server::serve::Server;
use vestibule_server::wiring;

/// The address of its first start, if the port is free.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8082);
/// The name of the connection.
const NAME: &str = "Development provider";
/// The domain whose people it vouches for.
const DOMAIN: &str = "example.com";
/// The redirect URI of the request in the documentation.
pub(super) const REDIRECT_URI: &str = "https://your-app.com/auth/callback";

/// The state that is kept from start to start, so that its issuer and the connection stay valid.
#[derive(Serialize, Deserialize)]
struct Kept {
    listen: SocketAddr,
    client_secret: String,
}

/// The provider, which listens and does not answer yet.
pub(super) struct Idp {
    listener: TcpListener,
    address: SocketAddr,
    secret: PlainClientSecret,
}

/// The facts to show about it.
#[derive(Clone)]
pub(super) struct Connected {
    pub(super) url: String,
    pub(super) connection: ConnectionId,
}

impl Idp {
    /// Takes the port of the last start; at the first start the usual one or any that is free.
    pub(super) async fn take(dir: &DataDir, any_port: bool) -> Result<Self, Failure> {
        if let Some(text) = dir.read(IDP)? {
            let kept: Kept = serde_json::from_str(&text).map_err(|error| {
                let file = dir.path().join(IDP);
                Failure::failed(format!("{} cannot be read: {error}.", file.display()))
            })?;
            let listener = TcpListener::bind(kept.listen).await.map_err(|error| {
                let file = dir.path().join(IDP);
                let taken = error.kind() == ErrorKind::AddrInUse;
                let code = if taken { Code::Conflict } else { Code::Failed };
                Failure::new(
                    code,
                    format!(
                        "The provider for development cannot listen on {} again: {error}.",
                        kept.listen
                    ),
                )
                .hint(format!(
                    "End what listens there, or remove {} for a new provider with a new connection.",
                    file.display()
                ))
            })?;
            return Ok(Self {
                listener,
                address: kept.listen,
                secret: PlainClientSecret::new(kept.client_secret),
            });
        }
        let any = SocketAddr::new(LISTEN.ip(), 0);
        let usual = if any_port { any } else { LISTEN };
        let listener = match TcpListener::bind(usual).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(any).await.map_err(Failure::from_error)?,
        };
        let address = listener.local_addr().map_err(Failure::from_error)?;
        let mut random = [0; 24];
        OsEntropy.fill(&mut random);
        let kept = Kept {
            listen: address,
            client_secret: URL_SAFE_NO_PAD.encode(random),
        };
        let text = serde_json::to_string(&kept).map_err(Failure::defect)?;
        dir.write(IDP, &format!("{text}\n"))?;
        Ok(Self {
            listener,
            address,
            secret: PlainClientSecret::new(kept.client_secret),
        })
    }

    /// Lets the server call this provider, and nothing else on this machine.
    pub(super) fn allow(&self, settings: &mut Settings) -> Result<(), Failure> {
        if !settings.sso.enabled {
            return Err(
                Failure::usage("sso.enabled is false, and --with-idp needs it.")
                    .hint("Set sso.enabled, or leave --with-idp out."),
            );
        }
        settings.sso.outbound.allowed_sockets.push(self.address);
        Ok(())
    }

    /// Answers from now on, until the process ends; makes the connection where it is not there.
    pub(super) async fn connect(
        self,
        server: &Server,
        settings: &Settings,
    ) -> Result<Connected, Failure> {
        let url = dev_idp::issuer(self.address);
        let parts = DevIdpParts {
            client_secret: self.secret.clone(),
            callbacks: format!("{}/v1/auth/sso/callback/", server.url()),
            clock: server.wired().clock.clone(),
            entropy: Arc::new(OsEntropy),
        };
        dev_idp::serve(self.listener, parts, std::future::pending())?;
        let accounts = &server.wired().accounts;
        let sso = wiring::sso(settings, accounts, server.public_url())?;
        let connection = connection(&sso, &url, self.secret).await?;
        Ok(Connected { url, connection })
    }
}

/// The connection of the first organisation with this issuer. What it needs is made first, so that
/// where it is, everything is.
async fn connection(
    sso: &Sso,
    issuer: &str,
    secret: PlainClientSecret,
) -> Result<ConnectionId, Failure> {
    let page = Page::first(1);
    let organizations = sso.accounts().all_organizations(&OPERATOR, page).await?;
    let Some(first) = organizations.items.first() else {
        return Err(Failure::failed("There is no organisation to connect."));
    };
    let caller = Caller::operator(&OPERATOR, first.id);
    let connections = sso.connections(&caller).await?;
    if let Some(found) = connections.iter().find(|it| it.live.issuer == issuer) {
        return Ok(found.id);
    }
    let uris = sso.redirect_uris(&caller).await?;
    if !uris.iter().any(|it| it.uri.as_str() == REDIRECT_URI) {
        sso.add_redirect_uri(&caller, REDIRECT_URI).await?;
    }
    let domains = sso.domains(&caller).await?;
    let domain = match domains.into_iter().find(|it| it.name.as_str() == DOMAIN) {
        Some(domain) => domain,
        None => sso.add_domain(&caller, DOMAIN, None).await?,
    };
    if domain.verified_at.is_none() {
        sso.assert_domain(&OPERATOR, first.id, domain.id).await?;
    }
    let mut settings = sso_settings(Preset::default(), issuer, CLIENT_ID);
    settings.just_in_time = true;
    let new = NewConnection {
        name: NAME.parse().map_err(Failure::defect)?,
        settings,
        secret: NewSecret::Client(secret),
        enabled: true,
        save_anyway: false,
    };
    Ok(sso.create_connection(&caller, new).await?.connection.id)
}
