//! The checks of a connection to an OpenID provider.

use vestibule_model::Timestamp;

use crate::check::NamedCheck;
use crate::oidc::connection::OidcConnection;
use crate::oidc::credentials;
use crate::oidc::discovery::{Document, Metadata};
use crate::oidc::id_token::SKEW;
use crate::oidc::keys::KeySet;
use crate::party::Party;
use crate::refusal::{SsoRefusal, Step};

/// The names of the checks in their order. Those after `discovery` need the document.
const NAMES: [&str; 12] = [
    "scheme",
    "address_guard",
    "discovery",
    "issuer",
    "endpoints",
    "code_flow",
    "s256",
    "algorithm",
    "client_auth",
    "keys",
    "credentials",
    "clock",
];

pub(crate) async fn run(party: &Party, connection: &OidcConnection) -> Vec<NamedCheck> {
    let mut checks = Checks(Vec::with_capacity(NAMES.len()));
    let Some(document) = reach(party, connection, &mut checks).await else {
        return checks.finish();
    };
    let issuer = document.check_issuer(&connection.issuer);
    checks.add("issuer", issuer.map(|()| connection.issuer.clone()));
    let metadata = document.endpoints(&party.outbound);
    checks.add(
        "endpoints",
        metadata.as_ref().map(describe).map_err(Clone::clone),
    );
    let flow = document.check_code_flow();
    checks.add("code_flow", flow.map(|()| "offered".to_owned()));
    let s256 = document.check_s256().map(|advertised| {
        let text = if advertised {
            "offered"
        } else {
            "not mentioned; sent all the same"
        };
        text.to_owned()
    });
    checks.add("s256", s256);
    let algorithm = document.check_algorithm(connection.algorithm);
    checks.add(
        "algorithm",
        algorithm.map(|()| connection.algorithm.to_string()),
    );
    // These need endpoints; the checks above do not, and report their own faults.
    if let Ok(metadata) = &metadata {
        checks.add("client_auth", client_auth(connection, metadata));
        checks.add("keys", keys(party, connection, metadata).await);
        checks.add(
            "credentials",
            credentials::check(party, connection, metadata).await,
        );
    } else {
        let unreached = ["client_auth", "keys", "credentials"].map(NamedCheck::not_reached);
        checks.0.extend(unreached);
    }
    checks.0.push(clock(party.clock.now(), document.date));
    checks.finish()
}

struct Checks(Vec<NamedCheck>);

impl Checks {
    fn add(&mut self, name: &'static str, outcome: Result<String, SsoRefusal>) {
        self.0.push(NamedCheck::judged(name, outcome));
    }

    /// Returns all checks, with those that were not reached.
    fn finish(mut self) -> Vec<NamedCheck> {
        let made = self.0.len();
        let rest = NAMES.iter().skip(made).copied();
        self.0.extend(rest.map(NamedCheck::not_reached));
        self.0
    }
}

/// Runs the checks up to the document.
async fn reach(
    party: &Party,
    connection: &OidcConnection,
    checks: &mut Checks,
) -> Option<Document> {
    let outbound = &party.outbound;
    let step = Step::Discovery;
    let url = match Document::url(&connection.issuer) {
        Ok(url) => url,
        Err(refusal) => {
            checks.add("scheme", Err(refusal));
            return None;
        }
    };
    let scheme = outbound.check_scheme(&url);
    let scheme = scheme.map_err(|error| SsoRefusal::Outgoing { step, error });
    let secure = scheme.is_ok();
    checks.add("scheme", scheme.map(|()| url.to_string()));
    // Nothing is sent over a connection that anyone on the way can read.
    if !secure {
        return None;
    }
    let address = outbound.check_address(&url).await;
    let address = address.map_err(|error| SsoRefusal::Outgoing { step, error });
    let allowed = address.is_ok();
    checks.add("address_guard", address.map(|()| url.host().to_owned()));
    if !allowed {
        return None;
    }
    match Document::fetch(outbound, &connection.organization, &connection.issuer).await {
        Ok(document) => {
            checks.add("discovery", Ok(url.to_string()));
            Some(document)
        }
        Err(refusal) => {
            checks.add("discovery", Err(refusal));
            None
        }
    }
}

fn describe(metadata: &Metadata) -> String {
    format!(
        "sign-in at {}, tokens from {}",
        metadata.authorization_endpoint.host(),
        metadata.token_endpoint.host()
    )
}

fn client_auth(connection: &OidcConnection, metadata: &Metadata) -> Result<String, SsoRefusal> {
    let offered = &metadata.client_auth;
    let method = connection
        .client_auth
        .method(&connection.client_id, offered)
        .as_str();
    if offered.is_empty() || offered.iter().any(|other| other == method) {
        Ok(method.to_owned())
    } else {
        Err(SsoRefusal::ClientAuthNotOffered { method })
    }
}

async fn keys(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
) -> Result<String, SsoRefusal> {
    let url = metadata.jwks_uri.clone();
    let keys = KeySet::fetch(&party.outbound, &connection.organization, url).await?;
    let algorithm = connection.algorithm.as_str();
    match keys.usable(connection.algorithm) {
        0 => Err(SsoRefusal::NoUsableKey { algorithm }),
        1 => Ok(format!("1 key for {algorithm}")),
        several => Ok(format!("{several} keys for {algorithm}")),
    }
}

/// Checks that the provider's clock and ours agree within the tolerance of tokens.
fn clock(now: Timestamp, date: Option<Timestamp>) -> NamedCheck {
    let Some(date) = date else {
        let detail = "the provider does not tell its time".to_owned();
        return NamedCheck::of::<SsoRefusal>("clock", Ok(detail));
    };
    let apart = now.since(date).max(date.since(now));
    let detail = format!("the clocks are {} s apart", apart.as_secs());
    let outcome = if apart <= SKEW {
        Ok(detail)
    } else {
        Err(detail)
    };
    NamedCheck::of("clock", outcome)
}
