//! A provider of our own that behaves, until its script says otherwise.

pub(crate) mod keys;
mod server;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_model::clock::ManualClock;
use vestibule_model::{Clock as _, OsEntropy, Timestamp};
use vestibule_outbound::{Config, FixedResolver, Outbound};
use vestibule_sso::callback::Callback;
use vestibule_sso::oidc::{Algorithm, Cache, ClientAuth, OidcConnection, OidcProvider};
use vestibule_sso::{
    Identity, Party, PlainClientSecret, Provider as _, ProviderStart, SignInRequest, SsoRefusal,
};

use keys::Key;

pub(crate) const CLIENT: &str = "vestibule client";
pub(crate) const SECRET: &str = "s3cret: with%signs";
pub(crate) const ACCESS: &str = "access-token-1";
pub(crate) const RETURN: &str = "https://auth.example.com/v1/auth/sso/callback";
pub(crate) const NOW: i64 = 1_800_000_000;

/// How one endpoint answers instead of behaving.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    Status(u16),
    /// A redirect to the same place, which would answer well.
    Redirect,
    /// Nothing, ever.
    Silence,
    /// A body of a byte each 20 ms, without end.
    Drip,
    /// 2 MiB of JSON.
    Oversized,
    /// The right body under another media type.
    Media(&'static str),
    /// Another body under the right media type.
    Body(&'static str),
}

pub(crate) type Edit = fn(&mut Value);

/// What is different from good behaviour. Each field changes one thing.
pub(crate) struct Script {
    pub(crate) algorithm: Algorithm,
    pub(crate) document: fn(&mut Value, &str),
    pub(crate) keys: Edit,
    pub(crate) header: Edit,
    pub(crate) claims: Edit,
    /// The last word on the spelling of header and claims.
    pub(crate) header_text: fn(String) -> String,
    pub(crate) claims_text: fn(String) -> String,
    /// The last word on the token.
    pub(crate) token: fn(String) -> String,
    /// Signs with a key that the set does not hold, under the name of one that it holds.
    pub(crate) forge: bool,
    pub(crate) answer: Edit,
    pub(crate) userinfo: Edit,
    pub(crate) callback: fn(&mut Vec<(String, String)>),
    pub(crate) replies: HashMap<&'static str, Reply>,
    pub(crate) connection: fn(&mut OidcConnection),
    pub(crate) request: fn(&mut SignInRequest),
    pub(crate) patience: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Es256,
            document: |_, _| {},
            keys: |_| {},
            header: |_| {},
            claims: |_| {},
            header_text: |text| text,
            claims_text: |text| text,
            token: |token| token,
            forge: false,
            answer: |_| {},
            userinfo: |_| {},
            callback: |_| {},
            replies: HashMap::new(),
            connection: |_| {},
            request: |_| {},
            patience: Duration::from_secs(10),
        }
    }
}

impl Script {
    pub(crate) fn reply(&mut self, endpoint: &'static str, reply: Reply) {
        self.patience = match reply {
            Reply::Silence | Reply::Drip => Duration::from_millis(600),
            _ => self.patience,
        };
        self.replies.insert(endpoint, reply);
    }
}

/// A code that was given out, with what it is bound to.
pub(crate) struct Grant {
    nonce: String,
    challenge: String,
}

pub(crate) struct Provider {
    pub(crate) script: Script,
    pub(crate) base: String,
    pub(crate) key: Mutex<Arc<Key>>,
    pub(crate) clock: ManualClock,
    pub(crate) hits: Mutex<HashMap<String, u32>>,
    grants: Mutex<HashMap<String, Grant>>,
    count: AtomicU32,
}

impl Provider {
    pub(crate) fn key(&self) -> Arc<Key> {
        Arc::clone(&self.key.lock().unwrap())
    }

    /// Signs with a new key from now on, and publishes only that.
    pub(crate) fn rotate(&self, kid: &str) {
        let key = Key::generate(self.script.algorithm, kid);
        *self.key.lock().unwrap() = Arc::new(key);
    }

    pub(crate) fn hits(&self, endpoint: &str) -> u32 {
        self.hits
            .lock()
            .unwrap()
            .get(endpoint)
            .copied()
            .unwrap_or(0)
    }

    fn document(&self) -> Value {
        let base = &self.base;
        let mut document = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/keys"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "end_session_endpoint": format!("{base}/logout"),
            "response_types_supported": ["code", "code id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": [self.script.algorithm.as_str()],
            "authorization_response_iss_parameter_supported": true,
        });
        (self.script.document)(&mut document, base);
        document
    }

    fn key_set(&self) -> Value {
        let mut set = json!({ "keys": [self.key().jwk] });
        (self.script.keys)(&mut set);
        set
    }

    pub(crate) fn id_token(&self, nonce: &str) -> String {
        let now = self.clock.now().as_seconds();
        let mut claims = json!({
            "iss": self.base,
            "aud": CLIENT,
            "sub": "person-1",
            "iat": now,
            "exp": now + 300,
            "auth_time": now - 30,
            "nonce": nonce,
            "sid": "idp-session-1",
            "email": "ada@example.com",
            "email_verified": true,
            "name": "Ada Lovelace",
        });
        (self.script.claims)(&mut claims);
        self.token_of("JWT", &claims)
    }

    pub(crate) fn token_of(&self, kind: &str, claims: &Value) -> String {
        let key = self.key();
        let algorithm = key.algorithm.as_str();
        let mut header = json!({"alg": algorithm, "typ": kind, "kid": key.jwk["kid"]});
        (self.script.header)(&mut header);
        let header = (self.script.header_text)(header.to_string());
        let claims = (self.script.claims_text)(claims.to_string());
        let forged = Key::generate(Algorithm::Es256, "forged");
        let key = if self.script.forge { &forged } else { &*key };
        (self.script.token)(key.token(&header, &claims))
    }

    /// What a person's sign-in at the authorization endpoint gives the browser: the query of the
    /// callback.
    pub(crate) fn authorize(&self, url: &str) -> String {
        let (place, query) = url.split_once('?').unwrap();
        assert_eq!(place, format!("{}/authorize", self.base));
        let sent: HashMap<_, _> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(sent["response_type"], "code");
        assert_eq!(sent["client_id"], CLIENT);
        assert_eq!(sent["redirect_uri"], RETURN);
        assert_eq!(sent["code_challenge_method"], "S256");
        assert!(sent["scope"].starts_with("openid"));
        let code = format!("code-{}", self.count.fetch_add(1, Ordering::SeqCst));
        let grant = Grant {
            nonce: sent["nonce"].clone(),
            challenge: sent["code_challenge"].clone(),
        };
        self.grants.lock().unwrap().insert(code.clone(), grant);
        let mut callback = vec![
            ("code".to_owned(), code),
            ("state".to_owned(), sent["state"].clone()),
            ("iss".to_owned(), self.base.clone()),
        ];
        (self.script.callback)(&mut callback);
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(callback)
            .finish()
    }
}

/// A provider, a connection to it, and us.
pub(crate) struct World {
    pub(crate) provider: Arc<Provider>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) party: Party,
    pub(crate) connection: OidcConnection,
    pub(crate) ours: OidcProvider,
    pub(crate) request: SignInRequest,
}

impl World {
    pub(crate) async fn new(script: Script) -> Self {
        let provider = server::start(script).await;
        let mut config = Config::default().allow_loopback();
        config.limits.total = provider.script.patience;
        let outbound = Outbound::new(config, Arc::new(FixedResolver::new())).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW)));
        let party = Party {
            outbound,
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            cache: Arc::new(Cache::default()),
        };
        let secret = ClientAuth::Secret(PlainClientSecret::new(SECRET));
        let mut connection = OidcConnection::new("tenant_1", &provider.base, CLIENT, secret);
        connection.algorithm = provider.script.algorithm;
        (provider.script.connection)(&mut connection);
        let mut request = SignInRequest {
            redirect_uri: RETURN.to_owned(),
            ..SignInRequest::default()
        };
        (provider.script.request)(&mut request);
        Self {
            ours: OidcProvider::new(party.clone(), connection.clone()),
            provider,
            clock,
            party,
            connection,
            request,
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.provider.clock.advance(by);
    }

    pub(crate) async fn begin(&self) -> Result<ProviderStart, SsoRefusal> {
        self.ours.start(&self.request).await
    }

    /// A whole sign-in.
    pub(crate) async fn sign_in(&self) -> Result<Identity, SsoRefusal> {
        let begun = self.begin().await?;
        let query = self.provider.authorize(&begun.url);
        self.ours
            .finish(&begun.pending, Callback::read(&query)?)
            .await
    }
}
