//! The check of a client's credentials, which tries to name the wrong value.

use vestibule_outbound::{OutboundError, Request};

use crate::fetch;
use crate::oidc::client_auth::ClientAuth;
use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Metadata;
use crate::oidc::{authorize, exchange};
use crate::party::Party;
use crate::refusal::{SsoRefusal, Step};
use crate::secret;
use crate::sign_in::{Pending, Prompt, SignInRequest};

/// A redirect URI that no client has registered, under a name that cannot exist (RFC 2606, 2).
const NOWHERE: &str = "https://nowhere.invalid/";

/// Sends a code that was never issued to the token endpoint, which authenticates the client before
/// it looks at the code (RFC 6749, 5.2).
pub(crate) async fn check(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
) -> Result<String, SsoRefusal> {
    let pending = Pending::new(
        &connection.issuer,
        &connection.client_id,
        &SignInRequest::default(),
        party.clock.now(),
        &*party.entropy,
    );
    let code = secret::random(&*party.entropy);
    let refused = match exchange::exchange(party, connection, metadata, &pending, &code).await {
        Err(refusal @ SsoRefusal::TokenRefused { .. }) if is_about_client(&refusal) => refusal,
        Err(SsoRefusal::TokenRefused { .. }) => return Ok("taken by the provider".to_owned()),
        Err(refusal @ SsoRefusal::Outgoing { .. }) if !answered(&refusal) => return Err(refusal),
        _ => return Ok("the provider does not tell before a sign-in".to_owned()),
    };
    if matches!(connection.client_auth, ClientAuth::PrivateKeyJwt(_)) {
        // The key was generated together with the connection, so nobody can have registered it yet.
        let text = "not yet taken by the provider: register the connection's key there";
        return Ok(text.to_owned());
    }
    let known = is_known(party, connection, metadata).await;
    Err(match (known, refused) {
        (Some(false), _) => SsoRefusal::ClientUnknown {
            client_id: connection.client_id.clone(),
        },
        (Some(true), SsoRefusal::TokenRefused { error, description }) => {
            SsoRefusal::ClientSecret { error, description }
        }
        (_, refused) => refused,
    })
}

fn is_about_client(refusal: &SsoRefusal) -> bool {
    matches!(refusal, SsoRefusal::TokenRefused { error, .. }
        if matches!(error.as_str(), "invalid_client" | "unauthorized_client"))
}

/// Returns true if the provider answered at all.
fn answered(refusal: &SsoRefusal) -> bool {
    matches!(
        refusal,
        SsoRefusal::Outgoing {
            error: OutboundError::Status { .. },
            ..
        }
    )
}

/// Finds out if the provider knows the client id. Asked to redirect to a URI that no client has
/// registered, it must refuse (RFC 6749, 4.1.2.1), and most say if they object to the URI or to the
/// client.
async fn is_known(party: &Party, connection: &OidcConnection, metadata: &Metadata) -> Option<bool> {
    let request = SignInRequest {
        redirect_uri: NOWHERE.to_owned(),
        // No provider may start a sign-in for this probe.
        prompt: Some(Prompt::None),
        ..SignInRequest::default()
    };
    let started = authorize::start(party, connection, metadata, &request);
    let request = Request::get(started.url.parse().ok()?);
    let (outbound, key) = (&party.outbound, &connection.organization);
    let answer = fetch::send(outbound, key, Step::Token, request)
        .await
        .ok()?;
    if !answer.status.is_client_error() {
        return None;
    }
    let page = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    // A page that echoes the request contains those words whatever is wrong.
    if page.contains("nowhere.invalid") {
        return None;
    }
    let minds_the_place = [
        "redirect_uri",
        "redirect uri",
        "redirect-uri",
        "redirecturi",
    ];
    if minds_the_place.iter().any(|words| page.contains(words)) {
        return Some(true);
    }
    page.contains("client").then_some(false)
}
