//! GitHub: OAuth 2.0 without OpenID Connect.
//!
//! There is no ID token. The identity is read from GitHub's API with the access token of the
//! exchange, over TLS and right after it, which is what proves it. The subject is the account's
//! number, since a login can be renamed and then taken by another person.

mod credentials;

use futures_util::future::BoxFuture;
use http::header::ACCEPT;
use serde_json::{Value, json};
use vestibule_model::Email;
use vestibule_outbound::{Answer, Request, Url};

use crate::callback::Callback;
use crate::check::NamedCheck;
use crate::fetch;
use crate::identity::{ClaimedEmail, Identity};
use crate::json;
use crate::oidc::exchange as token;
use crate::oidc::logout::{LogoutRequest, LogoutToken};
use crate::party::Party;
use crate::provider::Provider;
use crate::refusal::{SsoRefusal, Step};
use crate::secret::PlainClientSecret;
use crate::sign_in::{Pending, Prompt, ProviderStart, SignInRequest};

/// The requested scopes: the profile and the list of addresses.
const SCOPE: &str = "read:user user:email";

/// The number of addresses that are read: one page of GitHub's API.
const MOST_EMAILS: usize = 100;

/// The public GitHub or an Enterprise Server.
#[derive(Debug, Clone)]
pub struct GithubSite {
    /// The issuer of its identities.
    pub issuer: String,
    /// The root of the API, without a final slash.
    pub api: String,
}

impl Default for GithubSite {
    fn default() -> Self {
        Self {
            issuer: "https://github.com".to_owned(),
            api: "https://api.github.com".to_owned(),
        }
    }
}

impl GithubSite {
    /// Returns the Enterprise Server at a URL, whose API is below `/api/v3`.
    pub fn enterprise(url: &str) -> Self {
        let issuer = url.trim_end_matches('/').to_owned();
        let api = format!("{issuer}/api/v3");
        Self { issuer, api }
    }
}

/// A connection to GitHub.
#[derive(Debug, Clone)]
pub struct GithubConnection {
    /// The organisation, under which requests are counted.
    pub organization: String,
    /// The GitHub.
    pub site: GithubSite,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: PlainClientSecret,
}

/// The protocol client of a connection to GitHub.
pub struct GithubProvider {
    party: Party,
    connection: GithubConnection,
}

impl GithubProvider {
    /// Builds the client of a connection.
    pub fn new(party: Party, connection: GithubConnection) -> Self {
        Self { party, connection }
    }

    fn start_sign_in(&self, request: &SignInRequest) -> Result<ProviderStart, SsoRefusal> {
        let GithubConnection {
            site, client_id, ..
        } = &self.connection;
        let now = self.party.clock.now();
        let pending = Pending::new(&site.issuer, client_id, request, now, &*self.party.entropy);
        let challenge = pending.verifier.challenge();
        let mut parameters = vec![
            ("client_id", client_id.as_str()),
            ("redirect_uri", &request.redirect_uri),
            ("scope", SCOPE),
            ("state", pending.state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            // A new GitHub account is no member of anything yet.
            ("allow_signup", "false"),
        ];
        if let Some(hint) = &request.login_hint {
            parameters.push(("login", hint));
        }
        if request.prompt == Some(Prompt::SelectAccount) {
            parameters.push(("prompt", "select_account"));
        }
        let url = Self::place(&site.issuer, "/login/oauth/authorize")?.with_query(parameters);
        Ok(ProviderStart { url, pending })
    }

    async fn read(&self, pending: &Pending, callback: Callback) -> Result<Identity, SsoRefusal> {
        let GithubConnection {
            site, client_id, ..
        } = &self.connection;
        if pending.issuer != site.issuer || pending.client_id != *client_id {
            return Err(SsoRefusal::ConnectionChanged);
        }
        // GitHub does not announce `iss` (RFC 9207), so that a missing one is no refusal.
        let code = callback.code(pending, false)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("client_secret", self.connection.client_secret.expose()),
            ("code", &code),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.verifier.expose()),
        ];
        let url = Self::place(&site.issuer, "/login/oauth/access_token")?;
        let answer = self
            .send(Step::Token, Request::post_form(url, form))
            .await?;
        let object = token::read(&answer)?;
        let access = token::read_access(&object)?;
        Self::check_scope(&object)?;
        self.identity(&access).await
    }

    /// Refuses a grant without the scope for addresses. Users cannot deselect it, but an
    /// administrator can.
    fn check_scope(object: &serde_json::Map<String, Value>) -> Result<(), SsoRefusal> {
        let granted = fetch::text(Step::Token, object, "scope")?;
        let scope = "user:email";
        let has = |wanted: &str| granted.split([',', ' ']).any(|other| other == wanted);
        if has(scope) || has("user") {
            Ok(())
        } else {
            Err(SsoRefusal::ScopeMissing { scope })
        }
    }

    async fn identity(&self, access: &str) -> Result<Identity, SsoRefusal> {
        let api = &self.connection.site.api;
        let step = Step::Userinfo;
        let user = self.get(step, Self::place(api, "/user")?, access).await?;
        let mut user = fetch::object(step, &user)?;
        let subject = user.get("id").and_then(Value::as_u64).filter(|id| *id > 0);
        let subject = subject.ok_or(SsoRefusal::Mistyped {
            step,
            member: "id",
            expected: "a positive number",
        })?;
        let name = fetch::optional_text(step, &user, "name")?.map(str::trim);
        let name = name.filter(|name| !name.is_empty() && name.chars().count() <= 256);
        let name = name.map(str::to_owned);

        let emails = self
            .get(Step::Emails, Self::place(api, "/user/emails")?, access)
            .await?;
        let email = primary(&emails)?;
        // `/user` shows the public address, which the person types and nobody verifies.
        user.insert(
            "email".into(),
            json!(email.as_ref().map(|email| &email.address)),
        );
        user.insert(
            "email_verified".into(),
            json!(email.as_ref().is_some_and(|e| e.verified)),
        );
        Ok(Identity {
            issuer: self.connection.site.issuer.clone(),
            subject: subject.to_string(),
            provider_subject: subject.to_string(),
            email,
            name,
            groups: Vec::new(),
            session: None,
            authenticated_at: None,
            id_token: None,
            claims: user,
        })
    }

    async fn get(&self, step: Step, url: Url, access: &str) -> Result<Answer, SsoRefusal> {
        let request = Request::get(url)
            .with_header(ACCEPT, "application/vnd.github+json")
            .with_bearer(access);
        let answer = self.send(step, request).await?;
        answer
            .success()
            .map_err(|error| SsoRefusal::Outgoing { step, error })
    }

    async fn send(&self, step: Step, request: Request) -> Result<Answer, SsoRefusal> {
        fetch::send(
            &self.party.outbound,
            &self.connection.organization,
            step,
            request,
        )
        .await
    }

    fn place(root: &str, path: &str) -> Result<Url, SsoRefusal> {
        fetch::url("site", &format!("{root}{path}"))
    }
}

/// Returns the primary address of GitHub's list, and if it is verified.
fn primary(answer: &Answer) -> Result<Option<ClaimedEmail>, SsoRefusal> {
    let step = Step::Emails;
    // The strict reader reads objects only, so the list is wrapped in one.
    let mut wrapped = b"{\"emails\":".to_vec();
    wrapped.extend_from_slice(&answer.body);
    wrapped.push(b'}');
    let mut object =
        json::read_object(&wrapped).map_err(|fault| SsoRefusal::Json { step, fault })?;
    let mistyped = || SsoRefusal::Mistyped {
        step,
        member: "emails",
        expected: "a list of addresses",
    };
    let Some(Value::Array(items)) = object.remove("emails") else {
        return Err(mistyped());
    };
    let mut primaries = items
        .iter()
        .take(MOST_EMAILS)
        .filter(|item| item.get("primary") == Some(&Value::Bool(true)));
    let Some(item) = primaries.next() else {
        return Ok(None);
    };
    if primaries.next().is_some() {
        return Err(mistyped());
    }
    let address = item.get("email").and_then(Value::as_str);
    let address: Option<Email> = address.and_then(|text| text.parse().ok());
    Ok(Some(ClaimedEmail {
        address: address.ok_or_else(mistyped)?,
        verified: item.get("verified") == Some(&Value::Bool(true)),
    }))
}

impl Provider for GithubProvider {
    fn start<'a>(
        &'a self,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<ProviderStart, SsoRefusal>> {
        Box::pin(async move { self.start_sign_in(request) })
    }

    fn finish<'a>(
        &'a self,
        pending: &'a Pending,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Identity, SsoRefusal>> {
        Box::pin(self.read(pending, callback))
    }

    fn logout_url<'a>(
        &'a self,
        _request: &'a LogoutRequest,
    ) -> BoxFuture<'a, Result<Option<String>, SsoRefusal>> {
        Box::pin(async { Ok(None) })
    }

    fn logout_token<'a>(
        &'a self,
        _token: &'a str,
    ) -> BoxFuture<'a, Result<LogoutToken, SsoRefusal>> {
        let what = "back-channel logout";
        Box::pin(async move { Err(SsoRefusal::Unsupported { what }) })
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<NamedCheck>> {
        Box::pin(self.look_over())
    }
}
