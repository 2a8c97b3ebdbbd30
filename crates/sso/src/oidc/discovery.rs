//! The discovery document (OpenID Connect Discovery 1.0; RFC 8414).

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use vestibule_model::Timestamp;
use vestibule_outbound::{Outbound, Request, Url};

use crate::fetch;
use crate::oidc::algorithm::Algorithm;
use crate::refusal::{Quoted, SsoRefusal, Step};

const STEP: Step = Step::Discovery;

/// The path of the document below the issuer (OpenID Connect Discovery, 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The parameters of an authorization request that we set.
const OURS: &[&str] = &[
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "prompt",
    "max_age",
    "acr_values",
    "request",
    "request_uri",
];

/// Returns the issuer of a discovery URL. Any other text is taken to be the issuer itself.
pub fn issuer_of(url: &str) -> &str {
    url.strip_suffix(WELL_KNOWN).unwrap_or(url)
}

/// The members of a provider's document that we use.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub(crate) authorization_endpoint: Url,
    pub(crate) token_endpoint: Url,
    pub(crate) jwks_uri: Url,
    pub(crate) userinfo_endpoint: Option<Url>,
    pub(crate) end_session_endpoint: Option<Url>,
    /// True if the provider names itself in every callback (RFC 9207, 3).
    pub(crate) names_itself: bool,
    /// The authentication methods of the token endpoint; empty if none is named.
    pub(crate) client_auth: Vec<String>,
}

/// A fetched document that is not validated yet.
pub(crate) struct Document {
    pub(crate) object: Map<String, Value>,
    /// The `Date` header of the answer.
    pub(crate) date: Option<Timestamp>,
}

impl Document {
    /// Fetches the document of an issuer, counted under `key`.
    pub(crate) async fn fetch(
        outbound: &Outbound,
        key: &str,
        issuer: &str,
    ) -> Result<Self, SsoRefusal> {
        let url = Self::url(issuer)?;
        let answer = fetch::succeed(outbound, key, STEP, Request::get(url)).await?;
        let date = answer.headers.get(http::header::DATE);
        let date =
            date.and_then(|value| OffsetDateTime::parse(value.to_str().ok()?, &Rfc2822).ok());
        Ok(Self {
            object: fetch::object(STEP, &answer)?,
            date: date.map(|date| Timestamp::from_seconds(date.unix_timestamp())),
        })
    }

    /// Returns the URL of an issuer's document.
    pub(crate) fn url(issuer: &str) -> Result<Url, SsoRefusal> {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        // An issuer has no query (OpenID Connect Discovery, 3); appending a path would end up in it.
        if issuer.contains('?') {
            let error = vestibule_outbound::UrlError::Character;
            return Err(SsoRefusal::Url {
                name: "issuer",
                error,
            });
        }
        fetch::url("issuer", &format!("{base}{WELL_KNOWN}"))
    }

    /// Validates the document for a connection.
    pub(crate) fn judge(
        &self,
        outbound: &Outbound,
        issuer: &str,
        algorithm: Algorithm,
    ) -> Result<Metadata, SsoRefusal> {
        self.check_issuer(issuer)?;
        let metadata = self.endpoints(outbound)?;
        self.check_code_flow()?;
        self.check_s256()?;
        self.check_algorithm(algorithm)?;
        Ok(metadata)
    }

    /// Refuses a document of another issuer. The comparison is exact (OpenID Connect Discovery,
    /// 4.3).
    pub(crate) fn check_issuer(&self, expected: &str) -> Result<(), SsoRefusal> {
        let found = fetch::text(STEP, &self.object, "issuer")?;
        if found == expected {
            Ok(())
        } else {
            Err(SsoRefusal::DiscoveryIssuer {
                expected: expected.to_owned(),
                found: Quoted::new(found),
            })
        }
    }

    /// Reads the endpoints and refuses those that must not be called.
    pub(crate) fn endpoints(&self, outbound: &Outbound) -> Result<Metadata, SsoRefusal> {
        let required = |name| {
            let endpoint = self.endpoint(outbound, name)?;
            endpoint.ok_or(SsoRefusal::Missing {
                step: STEP,
                member: name,
            })
        };
        let authorization_endpoint = required("authorization_endpoint")?;
        let query = authorization_endpoint.query().unwrap_or_default();
        // A repeated parameter is read differently by each provider, so ours must be the only one.
        for (parameter, _) in form_urlencoded::parse(query.as_bytes()) {
            if OURS.contains(&&*parameter) {
                return Err(SsoRefusal::EndpointQuery {
                    name: "authorization_endpoint",
                    parameter: Quoted::new(&parameter),
                });
            }
        }
        let methods = self.texts("token_endpoint_auth_methods_supported")?;
        Ok(Metadata {
            authorization_endpoint,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: self.endpoint(outbound, "userinfo_endpoint")?,
            end_session_endpoint: self.endpoint(outbound, "end_session_endpoint")?,
            names_itself: self.flag("authorization_response_iss_parameter_supported")?,
            client_auth: methods
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Refuses a provider without the authorization code flow or the response mode `query`, or with
    /// demands that we do not support.
    pub(crate) fn check_code_flow(&self) -> Result<(), SsoRefusal> {
        let member = "response_types_supported";
        let types = self.texts(member)?;
        let types = types.ok_or(SsoRefusal::Missing { step: STEP, member })?;
        if !types.contains(&"code") {
            return Err(SsoRefusal::CodeFlow);
        }
        // Missing means the code flow and the implicit flow (OpenID Connect Discovery, 3).
        let grants = self.texts("grant_types_supported")?;
        if grants.is_some_and(|grants| !grants.contains(&"authorization_code")) {
            return Err(SsoRefusal::CodeFlow);
        }
        let modes = self.texts("response_modes_supported")?;
        if modes.is_some_and(|modes| !modes.contains(&"query")) {
            return Err(SsoRefusal::QueryMode);
        }
        if self.flag("require_pushed_authorization_requests")? {
            return Err(SsoRefusal::PushedRequired);
        }
        Ok(())
    }

    /// Returns true if the provider announces PKCE with S256. Refuses one that names only other
    /// methods; one that names none (as Microsoft) gets the challenge all the same.
    pub(crate) fn check_s256(&self) -> Result<bool, SsoRefusal> {
        match self.texts("code_challenge_methods_supported")? {
            None => Ok(false),
            Some(methods) if methods.contains(&"S256") => Ok(true),
            Some(_) => Err(SsoRefusal::S256),
        }
    }

    /// Refuses a provider that does not offer the connection's algorithm for ID tokens.
    pub(crate) fn check_algorithm(&self, algorithm: Algorithm) -> Result<(), SsoRefusal> {
        let offered = self.texts("id_token_signing_alg_values_supported")?;
        match offered {
            Some(offered) if !offered.contains(&algorithm.as_str()) => {
                let algorithm = algorithm.as_str();
                Err(SsoRefusal::AlgorithmNotOffered { algorithm })
            }
            _ => Ok(()),
        }
    }

    fn endpoint(&self, outbound: &Outbound, name: &'static str) -> Result<Option<Url>, SsoRefusal> {
        let Some(text) = fetch::optional_text(STEP, &self.object, name)? else {
            return Ok(None);
        };
        let url: Url = text
            .parse()
            .map_err(|error| SsoRefusal::Endpoint { name, error })?;
        match outbound.check_scheme(&url) {
            Ok(()) => Ok(Some(url)),
            Err(_) => Err(SsoRefusal::EndpointInsecure { name }),
        }
    }

    fn texts(&self, member: &'static str) -> Result<Option<Vec<&str>>, SsoRefusal> {
        fetch::optional_texts(STEP, &self.object, member)
    }

    fn flag(&self, member: &'static str) -> Result<bool, SsoRefusal> {
        match self.object.get(member) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(SsoRefusal::Mistyped {
                step: STEP,
                member,
                expected: "true or false",
            }),
        }
    }
}
