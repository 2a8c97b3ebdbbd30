//! Whether the provider takes us for who we say we are, and if not, which value is wrong.

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

/// A place that no client has registered, under a name that cannot exist (RFC 2606, 2).
const NOWHERE: &str = "https://nowhere.invalid/";

/// Brings a code that nobody has given to the token endpoint, which looks at the client first
/// (RFC 6749, 5.2).
pub(crate) async fn check(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
) -> Result<String, SsoRefusal> {
    let pending = Pending::begin(
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
        // The key is made with the connection, so it cannot be known there before.
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

/// Whether the provider has said anything, whatever it was.
fn answered(refusal: &SsoRefusal) -> bool {
    matches!(
        refusal,
        SsoRefusal::Outgoing {
            error: OutboundError::Status { .. },
            ..
        }
    )
}

/// Whether the provider knows the client id, as far as it tells: asked to send a person to a place
/// that no client has, it has to refuse, and most say whether they mind the place or the client.
async fn is_known(party: &Party, connection: &OidcConnection, metadata: &Metadata) -> Option<bool> {
    let request = SignInRequest {
        redirect_uri: NOWHERE.to_owned(),
        prompt: Some(Prompt::None),
        ..SignInRequest::default()
    };
    let begun = authorize::begin(party, connection, metadata, &request);
    let request = Request::get(begun.url.parse().ok()?);
    let (outbound, key) = (&party.outbound, &connection.organization);
    let answer = fetch::send(outbound, key, Step::Token, request)
        .await
        .ok()?;
    if !answer.status.is_client_error() {
        return None;
    }
    let page = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    // A page that repeats the question says nothing by the words in it.
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
