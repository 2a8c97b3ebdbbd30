//! The request as the server would see it, and what allows what was asked.

use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};
use vestibule_check::EntryPoint;
use vestibule_credential::frame::{self, SecretKind};
use vestibule_model::{Principal, ResourcePath};
use vestibule_policy::explain::describe;
use vestibule_policy::table::Found;
use vestibule_policy::{Accepts, Basis};

use vestibule_config::Settings;
use vestibule_server::failure::Failure;

/// The headers of a request with this credential, put where its route looks for it, and from a
/// page of our own.
pub(super) fn headers(
    settings: &Settings,
    entry_point: &EntryPoint,
    method: &Method,
    path: &str,
    credential: Option<&str>,
) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let origin = HeaderValue::from_str(entry_point.origin().as_str()).map_err(Failure::defect)?;
    headers.insert(ORIGIN, origin);
    let Some(credential) = credential else {
        return Ok(headers);
    };
    let kind = frame::recognize(&settings.prefix, credential.as_bytes());
    let is_cookie = match accepts(entry_point, method, path) {
        Accepts::Bearer => false,
        Accepts::BearerOrCookie => kind == Ok(SecretKind::Session),
        Accepts::Cookie => true,
    };
    let (name, text) = if is_cookie {
        (COOKIE, format!("{}={credential}", settings.cookie_name))
    } else {
        (AUTHORIZATION, format!("Bearer {credential}"))
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Failure::usage("The credential holds characters that no header can carry.")
            .reason("malformed_credential")
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

/// The credential itself, where the whole value of a header was handed over.
pub(super) fn bare(text: &str) -> &str {
    match text.split_at_checked("Bearer ".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("Bearer ") => rest.trim_start(),
        _ => text,
    }
}

/// Returns the credentials that the route of a request reads.
fn accepts(entry_point: &EntryPoint, method: &Method, path: &str) -> Accepts {
    let table = entry_point.rules();
    match table.find(method.as_str(), path) {
        Found::Rule { kind, .. } | Found::OtherMethod { kind, .. } => kind.accepts,
        Found::Nothing => table.kind_of(path).accepts,
    }
}

/// By which role, home or grant something is allowed on a path.
pub(super) fn ground(principal: &Principal, path: &ResourcePath, basis: Basis<'_>) -> String {
    let ground = match basis {
        Basis::Role(role) => format!("by the role {role}"),
        Basis::Home => format!("in the own folder {}", principal.home),
        Basis::Grant(grant) => format!("by {}", describe(grant)),
    };
    let own = principal
        .narrowed_to
        .iter()
        .flat_map(|grants| grants.iter());
    let covering = own.filter(|grant| grant.path.covers(path));
    match covering.max_by_key(|grant| grant.capability) {
        Some(own) => format!("{ground}, and the key by {}", describe(own)),
        None => ground,
    }
}
