//! The userinfo endpoint (OpenID Connect Core, 5.3).

use serde_json::{Map, Value};
use vestibule_outbound::{Request, Url};

use crate::fetch;
use crate::oidc::connection::OidcConnection;
use crate::party::Party;
use crate::refusal::{SsoRefusal, Step};

const STEP: Step = Step::Userinfo;

/// Fetches the claims about the subject of the ID token. Refuses claims about anyone else (OpenID
/// Connect Core, 5.3.2).
pub(crate) async fn fetch(
    party: &Party,
    connection: &OidcConnection,
    endpoint: Url,
    access_token: &str,
    subject: &str,
) -> Result<Map<String, Value>, SsoRefusal> {
    let request = Request::get(endpoint).with_bearer(access_token);
    let answer = fetch::succeed(&party.outbound, &connection.organization, STEP, request).await?;
    let object = fetch::object(STEP, &answer)?;
    // Token substitution: the answer may be about someone else (OpenID Connect Core, 5.3.2).
    if fetch::text(STEP, &object, "sub")? == subject {
        Ok(object)
    } else {
        Err(SsoRefusal::UserinfoSubject)
    }
}
