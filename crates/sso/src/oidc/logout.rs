//! Sign-out started by us (OpenID Connect RP-Initiated Logout 1.0) or by the provider (OpenID
//! Connect Back-Channel Logout 1.0).

use std::time::Duration;

use vestibule_model::Timestamp;

use crate::oidc::claims::{TokenClaims, is_subject, mistyped};
use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Metadata;
use crate::oidc::id_token::{self, SKEW};
use crate::refusal::SsoRefusal;

/// The `typ` values of a logout token, in lower case. Many providers write `JWT` or nothing.
pub(crate) const TYPES: &[&str] = &["logout+jwt", "jwt"];

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The greatest age of a logout token.
const OLDEST: Duration = Duration::from_secs(10 * 60);

/// A request to sign the browser out at the provider.
#[derive(Debug, Clone, Default)]
pub struct LogoutRequest {
    /// The ID token of the sign-in, which tells the provider the person and the session.
    pub id_token_hint: Option<String>,
    /// The URI that the provider sends the browser to afterwards, as registered there.
    pub post_logout_redirect_uri: Option<String>,
    /// A text that the provider returns unchanged.
    pub state: Option<String>,
}

/// A validated logout token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// The issuer.
    pub issuer: String,
    /// The subject who signed out; everywhere, if no session is named.
    pub subject: Option<String>,
    /// The provider's session that ended (`sid`).
    pub session: Option<String>,
    /// The token's id (`jti`). The caller refuses one that it has seen.
    pub id: String,
    /// The time until which the caller must remember [`id`](Self::id).
    pub forget_after: Timestamp,
}

/// Builds the URL of the provider's sign-out (RP-Initiated Logout, 2). Returns `None` if it has
/// none.
pub(crate) fn url(
    connection: &OidcConnection,
    metadata: &Metadata,
    request: &LogoutRequest,
) -> Option<String> {
    let endpoint = metadata.end_session_endpoint.as_ref()?;
    let optional = [
        ("id_token_hint", &request.id_token_hint),
        (
            "post_logout_redirect_uri",
            &request.post_logout_redirect_uri,
        ),
        ("state", &request.state),
    ];
    let optional = optional
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    // Sent even beside a hint: providers whose hint has expired fall back to it.
    let own = std::iter::once(("client_id", connection.client_id.as_str()));
    Some(endpoint.with_query(own.chain(optional)))
}

/// Validates the claims of a logout token whose signature was verified (Back-Channel Logout, 2.6).
pub(crate) fn check(
    claims: TokenClaims<'_>,
    connection: &OidcConnection,
    now: Timestamp,
) -> Result<LogoutToken, SsoRefusal> {
    id_token::check_issuer(claims, connection)?;
    id_token::check_audience(claims, connection)?;
    // `exp` is missing from early drafts, which some providers follow; their age limit is below.
    if claims.get("exp").is_some() {
        id_token::check_times(claims, now)?;
    }
    let issued = claims.moment("iat")?;
    if issued > now.after(SKEW) {
        return Err(SsoRefusal::IssuedInFuture);
    }
    if now.since(issued) > OLDEST {
        return Err(SsoRefusal::IssuedLongAgo);
    }

    let events = claims.get("events").and_then(|events| events.as_object());
    let event = events.and_then(|events| events.get(EVENT));
    if !event.is_some_and(serde_json::Value::is_object) {
        return Err(SsoRefusal::LogoutEvent);
    }
    // Forbidden so that an ID token cannot pass as a logout token, or the other way round.
    if claims.get("nonce").is_some() {
        return Err(SsoRefusal::LogoutNonce);
    }
    let subject = match claims.get("sub") {
        None => None,
        Some(_) => Some(id_token::subject(claims)?.to_owned()),
    };
    // Some providers send an empty `sid` instead of leaving it out.
    let session = claims.optional_text("sid")?.filter(|id| !id.is_empty());
    if subject.is_none() && session.is_none() {
        return Err(SsoRefusal::LogoutNobody);
    }
    let id = claims.text("jti")?;
    if !is_subject(id) {
        return Err(mistyped("jti", "a text of 1 to 255 characters"));
    }
    Ok(LogoutToken {
        issuer: connection.issuer.clone(),
        subject,
        session: session.map(str::to_owned),
        id: id.to_owned(),
        forget_after: now.after(OLDEST).after(SKEW),
    })
}
