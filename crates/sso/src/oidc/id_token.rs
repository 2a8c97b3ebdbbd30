//! The validation of ID tokens (OpenID Connect Core, 2 and 3.1.3.7).

use std::time::Duration;

use vestibule_model::Timestamp;

use crate::oidc::claims::{LONGEST_SUBJECT, TokenClaims, is_subject, missing, mistyped};
use crate::oidc::connection::OidcConnection;
use crate::refusal::{Quoted, SsoRefusal};
use crate::secret::same;
use crate::sign_in::Pending;

/// The tolerated difference between the provider's clock and ours.
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// The `typ` values of an ID token, in lower case.
pub(crate) const TYPES: &[&str] = &["jwt"];

/// Validates the claims of an ID token whose signature was verified, in the order of the
/// specification.
pub(crate) fn check(
    claims: TokenClaims<'_>,
    connection: &OidcConnection,
    pending: &Pending,
    code: &str,
    access_token: &str,
    now: Timestamp,
) -> Result<(), SsoRefusal> {
    check_issuer(claims, connection)?;
    check_audience(claims, connection)?;
    check_times(claims, now)?;
    subject(claims)?;

    let nonce = claims.text("nonce")?;
    if !pending.nonce.matches(nonce) {
        return Err(SsoRefusal::Nonce);
    }
    check_acr(claims, pending)?;
    check_auth_time(claims, pending, now)?;

    // Both hashes are optional in the code flow (OpenID Connect Core, 3.1.3.6), but must match.
    let fits = |claim: &str, text: &str| {
        let hash = claims.optional_text(claim)?;
        let fits = hash.is_none_or(|hash| same(hash, &connection.algorithm.half_hash(text)));
        Ok::<_, SsoRefusal>(fits)
    };
    if !fits("at_hash", access_token)? {
        return Err(SsoRefusal::AccessTokenHash);
    }
    if !fits("c_hash", code)? {
        return Err(SsoRefusal::CodeHash);
    }
    Ok(())
}

/// Refuses another issuer. The comparison is exact (OpenID Connect Core, 3.1.3.7, 2).
pub(crate) fn check_issuer(
    claims: TokenClaims<'_>,
    connection: &OidcConnection,
) -> Result<(), SsoRefusal> {
    let found = claims.text("iss")?;
    if found == connection.issuer {
        return Ok(());
    }
    Err(SsoRefusal::Issuer {
        expected: connection.issuer.clone(),
        found: Quoted::new(found),
    })
}

/// Refuses a token that is not meant for us, is also meant for an untrusted audience, or was issued
/// to another client (OpenID Connect Core, 3.1.3.7, 3 to 5).
pub(crate) fn check_audience(
    claims: TokenClaims<'_>,
    connection: &OidcConnection,
) -> Result<(), SsoRefusal> {
    let own = connection.client_id.as_str();
    let audiences = claims.texts("aud")?;
    if !audiences.contains(&own) {
        return Err(SsoRefusal::Audience);
    }
    let trusted = |audience: &str| {
        audience == own
            || connection
                .trusted_audiences
                .iter()
                .any(|other| other == audience)
    };
    if let Some(stranger) = audiences.iter().find(|audience| !trusted(audience)) {
        return Err(SsoRefusal::AudienceUntrusted {
            found: Quoted::new(stranger),
        });
    }
    match claims.optional_text("azp")? {
        Some(party) if party != own => Err(SsoRefusal::AuthorizedParty),
        // With several audiences, only `azp` says which of them the token was issued to.
        None if audiences.len() > 1 => Err(SsoRefusal::AuthorizedParty),
        _ => Ok(()),
    }
}

/// Refuses a token that has expired, is not yet valid, or expires before it was issued (OpenID
/// Connect Core, 3.1.3.7, 9 and 10).
pub(crate) fn check_times(claims: TokenClaims<'_>, now: Timestamp) -> Result<(), SsoRefusal> {
    let expires = claims.moment("exp")?;
    if expires.after(SKEW) <= now {
        return Err(SsoRefusal::Expired);
    }
    let issued = claims.moment("iat")?;
    if issued > now.after(SKEW) {
        return Err(SsoRefusal::IssuedInFuture);
    }
    // Accepting it would leave the lifetime to whichever of the two is wrong.
    if expires <= issued {
        return Err(SsoRefusal::Times);
    }
    match claims.optional_moment("nbf")? {
        Some(begins) if begins > now.after(SKEW) => Err(SsoRefusal::NotYetValid),
        _ => Ok(()),
    }
}

/// Returns the subject.
pub(crate) fn subject(claims: TokenClaims<'_>) -> Result<&str, SsoRefusal> {
    let subject = claims.text("sub")?;
    if is_subject(subject) {
        Ok(subject)
    } else {
        Err(SsoRefusal::Subject)
    }
}

/// Returns the provider's session, if the token names one (OpenID Connect Back-Channel Logout 1.0,
/// 2.1).
pub(crate) fn session(claims: TokenClaims<'_>) -> Result<Option<&str>, SsoRefusal> {
    match claims.optional_text("sid")? {
        Some(session) if session.len() > LONGEST_SUBJECT => {
            Err(mistyped("sid", "a text of at most 255 characters"))
        }
        session => Ok(session.filter(|text| !text.is_empty())),
    }
}

/// Refuses an authentication class that is not among the requested ones (OpenID Connect Core,
/// 3.1.3.7, 12).
fn check_acr(claims: TokenClaims<'_>, pending: &Pending) -> Result<(), SsoRefusal> {
    if pending.acr_values.is_empty() {
        return Ok(());
    }
    let found = claims.text("acr")?;
    if pending.acr_values.iter().any(|demanded| demanded == found) {
        return Ok(());
    }
    Err(SsoRefusal::Acr {
        found: Quoted::new(found),
    })
}

/// Refuses a sign-in at the provider that is older than requested, or in the future (OpenID Connect
/// Core, 3.1.3.7, 13).
fn check_auth_time(
    claims: TokenClaims<'_>,
    pending: &Pending,
    now: Timestamp,
) -> Result<(), SsoRefusal> {
    let authenticated = claims.optional_moment("auth_time")?;
    if authenticated.is_some_and(|moment| moment > now.after(SKEW)) {
        return Err(SsoRefusal::AuthTime);
    }
    let Some(max_age) = pending.max_age else {
        return Ok(());
    };
    let authenticated = authenticated.ok_or_else(|| missing("auth_time"))?;
    let latest = authenticated
        .after(Duration::from_secs(max_age.into()))
        .after(SKEW);
    if latest < now {
        return Err(SsoRefusal::AuthTime);
    }
    Ok(())
}
