//! The reasons for which a sign-in fails, one for each clause of the specifications.
//!
//! Their sentences are kept with a connection's attempts, where the organisation's administrators
//! read them. They quote the provider, cut and cleaned, and no secret.

use std::fmt;

use vestibule_model::name::is_display_control;
use vestibule_outbound::{OutboundError, UrlError};

use crate::json::JsonFault;

/// A foreign text that is safe to show: at most 160 characters, without control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    const MOST: usize = 160;

    /// Cuts and cleans a text.
    pub fn new(text: &str) -> Self {
        let clean = |c: char| if is_display_control(c) { '\u{fffd}' } else { c };
        let mut kept: String = text.chars().take(Self::MOST).map(clean).collect();
        // Marked as cut, or an administrator would compare a part with the whole value.
        if text.chars().nth(Self::MOST).is_some() {
            kept.push('…');
        }
        Self(kept)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}”", self.0)
    }
}

impl fmt::Debug for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The answer of the provider that a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The discovery document.
    Discovery,
    /// The key set.
    Keys,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint, or GitHub's `/user`.
    Userinfo,
    /// GitHub's list of e-mail addresses.
    Emails,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "discovery document",
            Self::Keys => "key set",
            Self::Token => "token endpoint",
            Self::Userinfo => "userinfo endpoint",
            Self::Emails => "list of e-mail addresses",
        })
    }
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident $({ $($field:ident: $kind:ty),+ $(,)? })? = $reason:literal, $text:literal;)+) => {
        /// The reason for which a sign-in, a sign-out or a check of a connection fails: one variant
        /// for each clause.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[allow(missing_docs, reason = "the fields are what the sentence of their variant quotes")]
        pub enum SsoRefusal {
            $($(#[doc = $doc])+ #[error($text)] $name $({ $($field: $kind),+ })?,)+
        }

        impl SsoRefusal {
            /// Returns the stable, `snake_case` reason.
            pub const fn reason(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $reason,)+
                }
            }

            /// Returns the cause: the reason, or that of the network error if no usable answer
            /// came, such as `timeout` or `address_blocked`.
            pub const fn cause(&self) -> &'static str {
                match self {
                    Self::Outgoing { error, .. } => error.reason(),
                    other => other.reason(),
                }
            }

            /// All reasons.
            pub const REASONS: &'static [&'static str] = &[$($reason),+];
        }
    };
}

refusals! {
    // Reaching the provider.
    /// The provider could not be reached, or gave no usable answer.
    Outgoing { step: Step, error: OutboundError } = "outgoing", "{step}: {error}";
    /// A configured or named URL cannot be called.
    Url { name: &'static str, error: UrlError } = "url", "{name}: {error}";
    /// The answer is not declared to be JSON.
    ContentType { step: Step } = "content_type", "{step}: the answer is not declared to be JSON";
    /// The answer is not unambiguous JSON.
    Json { step: Step, fault: JsonFault } = "json", "{step}: the answer is {fault}";
    /// A member of an answer is missing.
    Missing { step: Step, member: &'static str } = "missing", "{step}: {member} is missing";
    /// A member of an answer has the wrong type.
    Mistyped { step: Step, member: &'static str, expected: &'static str } = "mistyped", "{step}: {member} is not {expected}";
    /// This kind of provider does not support the request.
    Unsupported { what: &'static str } = "unsupported", "this provider has no {what}";

    // Discovery (OpenID Connect Discovery 1.0, 3 and 4.3; RFC 8414, 3.3).
    /// The document names another issuer.
    DiscoveryIssuer { expected: String, found: Quoted } = "discovery_issuer", "discovery document: issuer is {found}, but must be {expected} exactly";
    /// An endpoint is not a URL that may be called.
    Endpoint { name: &'static str, error: UrlError } = "endpoint", "discovery document: {name}: {error}";
    /// An endpoint is `http`, which is not allowed for its host.
    EndpointInsecure { name: &'static str } = "endpoint_insecure", "discovery document: {name} must be https";
    /// The query of an endpoint already holds a parameter that we set.
    EndpointQuery { name: &'static str, parameter: Quoted } = "endpoint_query", "discovery document: {name} already sets {parameter}";
    /// The provider does not offer the authorization code flow.
    CodeFlow = "code_flow", "discovery document: the authorization code flow (response type “code”) is not offered";
    /// The provider does not offer the response mode `query`.
    QueryMode = "query_mode", "discovery document: response mode “query” is not offered";
    /// The provider names its PKCE methods, and S256 is not among them.
    S256 = "s256", "discovery document: PKCE with S256 (RFC 7636) is not offered";
    /// The provider demands pushed authorization requests.
    PushedRequired = "pushed_required", "discovery document: pushed authorization requests (RFC 9126) are required, which are not supported";
    /// The provider does not sign with the connection's algorithm.
    AlgorithmNotOffered { algorithm: &'static str } = "algorithm_not_offered", "discovery document: ID tokens are not signed with {algorithm}";
    /// The provider does not take this kind of client authentication.
    ClientAuthNotOffered { method: &'static str } = "client_auth_not_offered", "discovery document: client authentication by {method} is not offered";
    /// The provider does not know the client.
    ClientUnknown { client_id: String } = "client_unknown", "the provider does not know the client id {client_id}";
    /// The provider knows the client, but with another secret.
    ClientSecret { error: Quoted, description: Quoted } = "client_secret", "the provider knows the client id, but does not accept the client secret: {error}: {description}";

    // Keys (RFC 7517).
    /// The key set holds too many keys.
    TooManyKeys = "too_many_keys", "key set: it holds more than 100 keys";
    /// No key of the set fits the connection's algorithm.
    NoUsableKey { algorithm: &'static str } = "no_usable_key", "key set: no key can verify {algorithm}";
    /// The token names a key that the set does not hold.
    KeyUnknown { kid: Quoted } = "key_unknown", "the token is signed with key {kid}, which is not in the provider's key set";
    /// The token names no key and the set holds several.
    KeyUnnamed = "key_unnamed", "the token does not name its key (kid) and the key set holds several";
    /// The set holds several keys with the named id.
    KeyAmbiguous { kid: Quoted } = "key_ambiguous", "key set: several keys are named {kid}";

    // The callback (RFC 6749, 4.1.2; RFC 9207).
    /// The query is longer than any legitimate one.
    CallbackTooLong = "callback_too_long", "callback: the query is longer than 8 KiB";
    /// A parameter is repeated.
    CallbackRepeats { parameter: Quoted } = "callback_repeats", "callback: {parameter} comes twice";
    /// The state is missing.
    StateMissing = "state_missing", "callback: state is missing";
    /// The state is not that of the sign-in.
    StateMismatch = "state_mismatch", "callback: state is not that of this sign-in";
    /// The provider announced that it names itself and did not.
    CallbackIssuerMissing = "callback_issuer_missing", "callback: iss is missing, which the provider promises to send (RFC 9207)";
    /// The answer comes from another provider.
    CallbackIssuer { expected: String, found: Quoted } = "callback_issuer", "callback: iss is {found}, but must be {expected} (RFC 9207)";
    /// The provider answered with an error.
    ProviderError { error: Quoted, description: Quoted } = "provider_error", "the provider answered {error}: {description}";
    /// The callback has neither code nor error.
    CodeMissing = "code_missing", "callback: code is missing";
    /// The connection was changed during the sign-in.
    ConnectionChanged = "connection_changed", "the connection was changed while the sign-in was under way; begin again";

    // The token endpoint (RFC 6749, 5; OpenID Connect Core, 3.1.3.3).
    /// The provider refuses the code or the client.
    TokenRefused { error: Quoted, description: Quoted } = "token_refused", "token endpoint: refused with {error}: {description}";
    /// The access token is not a bearer token.
    TokenType { found: Quoted } = "token_type", "token endpoint: token_type is {found}, but must be Bearer";
    /// The provider did not grant a scope that is needed.
    ScopeMissing { scope: &'static str } = "scope_missing", "token endpoint: scope {scope} was not granted";
    /// Our own key cannot sign the client assertion.
    ClientKey = "client_key", "the connection's own key cannot sign";

    // Tokens (RFC 7515, RFC 8725).
    /// The token is longer than any legitimate one.
    TokenTooLong = "token_too_long", "the token is longer than 64 KiB";
    /// The token is not three segments of strict base64url.
    TokenMalformed = "token_malformed", "the token is not a signed JWT in its one spelling";
    /// The header is not unambiguous JSON.
    HeaderJson { fault: JsonFault } = "header_json", "the token's header is {fault}";
    /// A header parameter has the wrong type or must not be there.
    Header { parameter: &'static str } = "header", "the token's header has a {parameter} that is not accepted";
    /// The token is of another kind.
    TokenKind { found: Quoted } = "token_kind", "the token is of type {found}, which is not the kind expected here";
    /// The algorithm is not that of the connection.
    Algorithm { expected: &'static str, found: Quoted } = "algorithm", "the token is signed with {found}, but the connection says {expected}";
    /// The signature is wrong.
    Signature = "signature", "the token's signature is wrong";
    /// The claims are not unambiguous JSON.
    ClaimsJson { fault: JsonFault } = "claims_json", "the token's claims are {fault}";
    /// A claim is missing.
    ClaimMissing { claim: String } = "claim_missing", "claim {claim} is missing";
    /// A claim has the wrong type.
    ClaimType { claim: String, expected: &'static str } = "claim_type", "claim {claim} is not {expected}";
    /// The issuer is another one (Core, 3.1.3.7, 2).
    Issuer { expected: String, found: Quoted } = "issuer", "claim iss is {found}, but must be {expected} exactly";
    /// The token is for another client (Core, 3.1.3.7, 3).
    Audience = "audience", "claim aud does not name this client";
    /// The token is also for an audience that is not trusted (Core, 3.1.3.7, 3).
    AudienceUntrusted { found: Quoted } = "audience_untrusted", "claim aud also names {found}, which the connection does not trust";
    /// The token was issued to another client (Core, 3.1.3.7, 4 and 5).
    AuthorizedParty = "authorized_party", "claim azp does not name this client, or is missing beside several audiences";
    /// The token has expired (Core, 3.1.3.7, 9).
    Expired = "expired", "claim exp has passed; if this is new, compare the clocks";
    /// The token is not yet valid.
    NotYetValid = "not_yet_valid", "claim nbf lies in the future; compare the clocks";
    /// The token was issued in the future (Core, 3.1.3.7, 10).
    IssuedInFuture = "issued_in_future", "claim iat lies in the future; compare the clocks";
    /// The token expires before it was issued.
    Times = "times", "claim exp is not later than iat";
    /// The token was issued too long ago.
    IssuedLongAgo = "issued_long_ago", "claim iat lies too far in the past";
    /// The nonce is that of another sign-in (Core, 3.1.3.7, 11).
    Nonce = "nonce", "claim nonce is not that of this sign-in";
    /// The token does not belong to the access token (Core, 3.1.3.8).
    AccessTokenHash = "access_token_hash", "claim at_hash does not fit the access token";
    /// The token does not belong to the code (Core, 3.3.2.11).
    CodeHash = "code_hash", "claim c_hash does not fit the code";
    /// The sign-in at the provider is older than requested (Core, 3.1.3.7, 13).
    AuthTime = "auth_time", "claim auth_time is older than the sign-in may be, or lies in the future";
    /// The authentication class is not among the requested ones (Core, 3.1.3.7, 12).
    Acr { found: Quoted } = "acr", "claim acr is {found}, which is none of the demanded classes";
    /// The subject is empty, too long or not plain (Core, 2).
    Subject = "subject", "claim sub is not a text of 1 to 255 characters";

    // Userinfo (OpenID Connect Core, 5.3).
    /// The answer is about another subject (Core, 5.3.2).
    UserinfoSubject = "userinfo_subject", "userinfo endpoint: sub is not that of the ID token";

    // Back-channel logout (OpenID Connect Back-Channel Logout 1.0, 2.6).
    /// The token is no logout event.
    LogoutEvent = "logout_event", "claim events does not hold the back-channel logout event";
    /// The token carries a nonce, as ID tokens do.
    LogoutNonce = "logout_nonce", "claim nonce must not be in a logout token";
    /// The token names neither a session nor a subject.
    LogoutNobody = "logout_nobody", "the logout token names neither sub nor sid";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_given_once() {
        let mut reasons = SsoRefusal::REASONS.to_vec();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), SsoRefusal::REASONS.len());
    }

    #[test]
    fn what_is_quoted_is_cut_and_cleaned() {
        assert_eq!(Quoted::new("a\r\nb").as_str(), "a\u{fffd}\u{fffd}b");
        assert_eq!(Quoted::new(&"ä".repeat(500)).as_str().chars().count(), 161);
    }
}
