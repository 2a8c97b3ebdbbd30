//! The checks of a connection to GitHub.

use vestibule_outbound::Request;

use super::GithubProvider;
use crate::check::NamedCheck;
use crate::oidc::exchange as token;
use crate::refusal::{SsoRefusal, Step};
use crate::secret;

impl GithubProvider {
    pub(super) async fn look_over(&self) -> Vec<NamedCheck> {
        let step = Step::Discovery;
        let outgoing = |error| SsoRefusal::Outgoing { step, error };
        let unreached = ["address_guard", "credentials"].map(NamedCheck::not_reached);
        let place = Self::place(&self.connection.site.issuer, "/login/oauth/authorize");
        let url = match place {
            Ok(url) => url,
            Err(refusal) => {
                let scheme = NamedCheck::judged("scheme", Err(refusal));
                return std::iter::once(scheme).chain(unreached).collect();
            }
        };
        let outbound = &self.party.outbound;
        let scheme = outbound.check_scheme(&url).map_err(outgoing);
        let address = outbound.check_address(&url).await.map_err(outgoing);
        let reached = scheme.is_ok() && address.is_ok();
        vec![
            NamedCheck::judged("scheme", scheme.map(|()| url.to_string())),
            NamedCheck::judged("address_guard", address.map(|()| url.host().to_owned())),
            if reached {
                NamedCheck::judged("credentials", self.try_credentials().await)
            } else {
                NamedCheck::not_reached("credentials")
            },
        ]
    }

    /// Sends a code that was never issued: GitHub authenticates the client before it looks at the
    /// code. It answers 404 for a client id that it does not know.
    async fn try_credentials(&self) -> Result<String, SsoRefusal> {
        let client_id = self.connection.client_id.as_str();
        let entropy = &*self.party.entropy;
        let (code, verifier) = (secret::random(entropy), secret::random(entropy));
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("client_secret", self.connection.client_secret.expose()),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        let url = Self::place(&self.connection.site.issuer, "/login/oauth/access_token")?;
        let request = Request::post_form(url, form);
        let answer = self.send(Step::Token, request).await?;
        // GitHub answers 200 with an error for every other fault.
        if answer.status == http::StatusCode::NOT_FOUND {
            return Err(SsoRefusal::ClientUnknown {
                client_id: client_id.to_owned(),
            });
        }
        match token::read(&answer) {
            Err(refusal @ SsoRefusal::TokenRefused { .. }) if minds_the_client(&refusal) => {
                Err(refusal)
            }
            Err(SsoRefusal::TokenRefused { .. }) => Ok("taken by the provider".to_owned()),
            Err(refusal @ SsoRefusal::Outgoing { .. }) => Err(refusal),
            _ => Ok("the provider does not tell before a sign-in".to_owned()),
        }
    }
}

fn minds_the_client(refusal: &SsoRefusal) -> bool {
    matches!(refusal, SsoRefusal::TokenRefused { error, .. }
        if error.as_str() == "incorrect_client_credentials")
}
