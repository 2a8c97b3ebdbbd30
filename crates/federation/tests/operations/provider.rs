//! A provider that behaves, on a real socket, and a fixture that is connected with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{StatusCode, Uri, header};
use serde_json::{Value, json};
use vestibule_accounts::RequestSource;
use vestibule_federation::{
    AlsoEnd, CallbackFailure, CallbackOutcome, CallbackRequest, NewConnection, NewSecret, ReturnTo,
    SignInTarget, Sso, SsoParts, StartSignIn, StartedSignIn, sso_settings,
};
use vestibule_model::clock::ManualClock;
use vestibule_model::{Clock as _, ConnectionId, ConnectionSettings, Digest, OsEntropy};
use vestibule_outbound::{Config, FixedResolver, Outbound};
use vestibule_sso::oidc::Cache;
use vestibule_sso::{Party, PlainClientSecret, Preset};

use crate::support::{Backend, Fixture, OPERATOR};

pub(crate) const APP: &str = "https://app.example.com/auth/callback";

/// Credentials that end along with a connection in most tests.
pub(crate) const SESSIONS: AlsoEnd = AlsoEnd {
    sessions: true,
    keys: false,
};

/// The provider.
pub(crate) struct Provider {
    pub(crate) base: String,
    /// The claims about the person who signs in.
    pub(crate) person: Mutex<Value>,
    key: Ed25519KeyPair,
    clock: Arc<ManualClock>,
    grants: Mutex<HashMap<String, (String, String)>>,
    count: AtomicU32,
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    async fn start(clock: Arc<ManualClock>) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            person: Mutex::new(json!({
                "sub": "person-1",
                "sid": "idp-session-1",
                "email": "grace@example.com",
                "email_verified": true,
                "name": "Grace Hopper",
                "groups": ["staff"],
            })),
            key: Ed25519KeyPair::generate().unwrap(),
            clock,
            grants: Mutex::default(),
            count: AtomicU32::new(1),
        });
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&provider));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        provider
    }

    /// Replaces the claims about the person who signs in.
    pub(crate) fn says(&self, claim: &str, value: Value) {
        self.person.lock().unwrap()[claim] = value;
    }

    pub(crate) fn sign(&self, kind: &str, claims: &Value) -> String {
        let header = json!({ "alg": "EdDSA", "typ": kind, "kid": "key-1" });
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = encode(self.key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The person signs in; the query that the browser brings back.
    pub(crate) fn authorize(&self, url: &str) -> String {
        let (place, query) = url.split_once('?').unwrap();
        assert_eq!(place, format!("{}/authorize", self.base));
        let sent: HashMap<_, _> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let code = format!("code-{}", self.count.fetch_add(1, Ordering::SeqCst));
        let grant = (sent["nonce"].clone(), sent["code_challenge"].clone());
        self.grants.lock().unwrap().insert(code.clone(), grant);
        form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &sent["state"])
            .append_pair("iss", &self.base)
            .finish()
    }

    fn token(&self, body: &[u8]) -> (u16, Value) {
        let sent: HashMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
        let grant = self.grants.lock().unwrap().remove(&sent["code"]);
        let verifier = encode(Digest::of(sent["code_verifier"].as_bytes()).as_bytes());
        let Some((nonce, challenge)) = grant.filter(|(_, challenge)| *challenge == verifier) else {
            return (400, json!({ "error": "invalid_grant" }));
        };
        assert!(!challenge.is_empty());
        let now = self.clock.now().as_seconds();
        let mut claims = self.person.lock().unwrap().clone();
        claims["iss"] = json!(self.base);
        claims["aud"] = json!("vestibule");
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 300);
        claims["nonce"] = json!(nonce);
        let id_token = self.sign("JWT", &claims);
        (
            200,
            json!({ "access_token": "opaque", "token_type": "Bearer", "id_token": id_token }),
        )
    }

    fn document(&self) -> Value {
        let base = &self.base;
        json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/keys"),
            "end_session_endpoint": format!("{base}/logout"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
            "authorization_response_iss_parameter_supported": true,
        })
    }
}

async fn answer(State(provider): State<Arc<Provider>>, uri: Uri, body: Bytes) -> Response {
    let (status, answer) = match uri.path() {
        "/.well-known/openid-configuration" => (200, provider.document()),
        "/keys" => {
            let x = encode(provider.key.public_key());
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "key-1" });
            (200, json!({ "keys": [key] }))
        }
        "/token" => provider.token(&body),
        _ => (404, json!({})),
    };
    let format = time::format_description::well_known::Rfc2822;
    let date = provider.clock.now().to_utc().format(&format).unwrap();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::DATE, date.as_str()),
    ];
    (
        StatusCode::from_u16(status).unwrap(),
        headers,
        answer.to_string(),
    )
        .into_response()
}

/// A fixture with a connection to a provider, the domain `example.com` proved, and one redirect URI.
pub(crate) struct Connected {
    pub(crate) fixture: Fixture,
    pub(crate) sso: Sso,
    pub(crate) provider: Arc<Provider>,
    pub(crate) id: ConnectionId,
    /// The cookies that the browser has kept of every sign-in.
    jar: std::sync::Mutex<Vec<(String, String)>>,
}

pub(crate) fn sso_of(fixture: &Fixture, resolver: FixedResolver) -> Sso {
    let config = Config::default().allow_loopback();
    let party = Party {
        outbound: Outbound::new(config, Arc::new(resolver)).unwrap(),
        clock: Arc::clone(&fixture.clock) as _,
        entropy: Arc::new(OsEntropy),
        cache: Arc::new(Cache::default()),
    };
    let parts = SsoParts {
        party,
        public_url: "https://auth.example.com".to_owned(),
        starts_per_address: SsoParts::STARTS_PER_ADDRESS,
    };
    Sso::new(fixture.accounts.clone(), parts)
}

pub(crate) fn settings_for(base: &str) -> ConnectionSettings {
    let mut settings = sso_settings(Preset::Okta, base, "vestibule");
    "EdDSA".clone_into(&mut settings.algorithm);
    settings.just_in_time = true;
    settings
}

pub(crate) fn secret() -> NewSecret {
    NewSecret::Client(PlainClientSecret::new("s3cret"))
}

impl Connected {
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::with(backend, |_| {}).await
    }

    pub(crate) async fn with(backend: Backend, edit: impl FnOnce(&mut ConnectionSettings)) -> Self {
        let fixture = Fixture::new(backend).await;
        let provider = Provider::start(Arc::clone(&fixture.clock)).await;
        let sso = sso_of(&fixture, FixedResolver::new());
        let operator = fixture.operator();
        let mut settings = settings_for(&provider.base);
        edit(&mut settings);
        let new = NewConnection {
            name: "Provider".parse().unwrap(),
            settings,
            secret: secret(),
            enabled: true,
            save_anyway: false,
        };
        let saved = sso.create_connection(&operator, new).await.unwrap();
        let domain = sso.add_domain(&operator, "example.com", None).await;
        sso.assert_domain(&OPERATOR, operator.organization_id(), domain.unwrap().id)
            .await
            .unwrap();
        sso.add_redirect_uri(&operator, APP).await.unwrap();
        Self {
            id: saved.connection.id,
            fixture,
            sso,
            provider,
            jar: std::sync::Mutex::default(),
        }
    }

    pub(crate) fn request(&self, return_to: ReturnTo) -> StartSignIn {
        StartSignIn {
            target: SignInTarget::Organization(self.fixture.organization.id),
            return_to,
            state: None,
            login_hint: None,
            binding: None,
            replaces: None,
            origin: origin(),
        }
    }

    pub(crate) async fn begin(&self, return_to: ReturnTo) -> StartedSignIn {
        let begun = self.sso.start(self.request(return_to)).await.unwrap();
        self.keep(&begun);
        begun
    }

    /// Keeps what a browser keeps of a sign-in.
    pub(crate) fn keep(&self, begun: &StartedSignIn) {
        let carried = (
            begun.carried.name().to_owned(),
            begun.carried.expose().to_owned(),
        );
        self.jar.lock().unwrap().push(carried);
    }

    /// The browser comes back with its cookie.
    pub(crate) async fn come_back(
        &self,
        begun: &StartedSignIn,
    ) -> std::result::Result<CallbackOutcome, CallbackFailure> {
        self.keep(begun);
        let query = self.provider.authorize(&begun.redirect_url);
        self.call(&query, Some(begun.binding.expose())).await
    }

    pub(crate) async fn call(
        &self,
        query: &str,
        binding: Option<&str>,
    ) -> std::result::Result<CallbackOutcome, CallbackFailure> {
        let jar = self.jar.lock().unwrap().clone();
        let carried: Vec<_> = jar
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.sso
            .callback(CallbackRequest {
                connection: self.id,
                query,
                binding,
                carried: &carried,
                sessions: &[],
                origin: &origin(),
            })
            .await
    }

    /// A whole sign-in.
    pub(crate) async fn sign_in(
        &self,
        return_to: ReturnTo,
    ) -> std::result::Result<CallbackOutcome, CallbackFailure> {
        // Records of one moment have no order.
        self.fixture.tick();
        let begun = self.begin(return_to).await;
        self.come_back(&begun).await
    }

    /// The reason for which a sign-in is refused, and the clause that its attempt names.
    pub(crate) async fn refused(&self) -> (&'static str, String) {
        let failure = self.sign_in(ReturnTo::Json).await.unwrap_err();
        let operator = self.fixture.operator();
        let attempts = self.sso.attempts(&operator, self.id).await.unwrap();
        (failure.error.reason(), attempts[0].clause.clone().unwrap())
    }
}

pub(crate) fn origin() -> RequestSource {
    RequestSource {
        address: Some("192.0.2.1".parse().unwrap()),
        request_id: Some("request-1".to_owned()),
    }
}
