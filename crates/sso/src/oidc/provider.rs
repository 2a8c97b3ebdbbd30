//! A provider that speaks OpenID Connect.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::callback::Callback;
use crate::check::NamedCheck;
use crate::identity::Identity;
use crate::oidc::claims::TokenClaims;
use crate::oidc::connection::OidcConnection;
use crate::oidc::jws::Jws;
use crate::oidc::logout::{LogoutRequest, LogoutToken};
use crate::oidc::mapping::Told;
use crate::oidc::{authorize, exchange, id_token, logout, preflight, userinfo};
use crate::party::Party;
use crate::provider::Provider;
use crate::refusal::SsoRefusal;
use crate::sign_in::{Pending, ProviderStart, SignInRequest};

/// A provider that speaks OpenID Connect, through one connection.
pub struct OidcProvider {
    party: Party,
    connection: OidcConnection,
}

impl OidcProvider {
    /// The provider of a connection.
    pub fn new(party: Party, connection: OidcConnection) -> Self {
        Self { party, connection }
    }

    async fn sign_in(&self, request: &SignInRequest) -> Result<ProviderStart, SsoRefusal> {
        let Self { party, connection } = self;
        let metadata = party.cache.metadata(party, connection).await?;
        Ok(authorize::begin(party, connection, &metadata, request))
    }

    async fn read(&self, pending: &Pending, callback: Callback) -> Result<Identity, SsoRefusal> {
        let Self { party, connection } = self;
        let unchanged =
            pending.issuer == connection.issuer && pending.client_id == connection.client_id;
        if !unchanged {
            return Err(SsoRefusal::ConnectionChanged);
        }
        let metadata = party.cache.metadata(party, connection).await?;
        let code = callback.code(pending, metadata.names_itself)?;
        let tokens = exchange::exchange(party, connection, &metadata, pending, &code).await?;

        let jws = Jws::read(&tokens.id, connection, id_token::TYPES)?;
        let claims = jws.verify(party, connection, &metadata).await?;
        let now = party.clock.now();
        id_token::check(
            TokenClaims(&claims),
            connection,
            pending,
            &code,
            &tokens.access,
            now,
        )?;

        let told = match metadata.userinfo_endpoint {
            Some(endpoint) if connection.mapping.lacks(&claims) => {
                let subject = id_token::subject(TokenClaims(&claims))?;
                let told =
                    userinfo::fetch(party, connection, endpoint, &tokens.access, subject).await?;
                Some(told)
            }
            _ => None,
        };
        self.identity(claims, told, tokens.id)
    }

    fn identity(
        &self,
        claims: Map<String, Value>,
        userinfo: Option<Map<String, Value>>,
        id_token: String,
    ) -> Result<Identity, SsoRefusal> {
        let mapping = &self.connection.mapping;
        let told = Told {
            id_token: &claims,
            userinfo: userinfo.as_ref(),
        };
        let subject = mapping.subject(&claims)?;
        let email = mapping.email(told)?;
        let name = mapping.name(told)?;
        let groups = mapping.groups(told)?;
        let provider_subject = id_token::subject(TokenClaims(&claims))?.to_owned();
        let session = id_token::session(TokenClaims(&claims))?.map(str::to_owned);
        let authenticated_at = TokenClaims(&claims).optional_moment("auth_time")?;
        // The signed document has the last word.
        let mut all = userinfo.unwrap_or_default();
        all.extend(claims);
        Ok(Identity {
            issuer: self.connection.issuer.clone(),
            subject,
            provider_subject,
            email,
            name,
            groups,
            session,
            authenticated_at,
            id_token: Some(id_token),
            claims: all,
        })
    }

    async fn read_logout(&self, token: &str) -> Result<LogoutToken, SsoRefusal> {
        let Self { party, connection } = self;
        // Form first: what is no token costs no request.
        let jws = Jws::read(token, connection, logout::TYPES)?;
        let metadata = party.cache.metadata(party, connection).await?;
        let claims = jws.verify(party, connection, &metadata).await?;
        logout::check(TokenClaims(&claims), connection, party.clock.now())
    }
}

impl Provider for OidcProvider {
    fn begin<'a>(
        &'a self,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<ProviderStart, SsoRefusal>> {
        Box::pin(self.sign_in(request))
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
        request: &'a LogoutRequest,
    ) -> BoxFuture<'a, Result<Option<String>, SsoRefusal>> {
        Box::pin(async move {
            let metadata = self
                .party
                .cache
                .metadata(&self.party, &self.connection)
                .await?;
            Ok(logout::url(&self.connection, &metadata, request))
        })
    }

    fn logout_token<'a>(
        &'a self,
        token: &'a str,
    ) -> BoxFuture<'a, Result<LogoutToken, SsoRefusal>> {
        Box::pin(self.read_logout(token))
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<NamedCheck>> {
        Box::pin(preflight::run(&self.party, &self.connection))
    }
}
