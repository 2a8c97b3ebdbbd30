//! The authorization request (OpenID Connect Core, 3.1.2.1; RFC 7636).

use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Metadata;
use crate::party::Party;
use crate::sign_in::{Pending, ProviderStart, SignInRequest};

pub(crate) fn start(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
    request: &SignInRequest,
) -> ProviderStart {
    let pending = Pending::new(
        &connection.issuer,
        &connection.client_id,
        request,
        party.clock.now(),
        &*party.entropy,
    );
    let scope = connection.scope();
    let challenge = pending.verifier.challenge();
    let mut parameters = vec![
        ("response_type", "code"),
        // Stated although it is the default: a form post would lose our `SameSite=Lax` cookies.
        ("response_mode", "query"),
        ("client_id", &connection.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("scope", &scope),
        ("state", pending.state.expose()),
        ("nonce", pending.nonce.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    if let Some(hint) = &request.login_hint {
        parameters.push(("login_hint", hint));
    }
    if let Some(prompt) = request.prompt {
        parameters.push(("prompt", prompt.as_str()));
    }
    let max_age = request.max_age.map(|seconds| seconds.to_string());
    if let Some(max_age) = &max_age {
        parameters.push(("max_age", max_age));
    }
    let acr_values = request.acr_values.join(" ");
    if !acr_values.is_empty() {
        parameters.push(("acr_values", &acr_values));
    }
    let url = metadata.authorization_endpoint.with_query(parameters);
    ProviderStart { url, pending }
}
