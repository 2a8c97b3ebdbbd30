//! The demands of a route on its callers.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_model::{Capability, CredentialRef, Role};

use crate::Refusal;
use crate::template::PathTemplate;

/// The need of a route to know its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// No credential is read.
    Public,
    /// A good credential is read; a bad or missing one is no obstacle.
    Optional,
    /// Only known callers.
    SignedIn,
}

/// The group whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitPer {
    /// All of a user's, whatever the credential and organisation.
    User,
    /// Those made with one credential.
    Credential,
    /// All of an organisation's.
    Organization,
}

/// `count` requests at once, and again as many in every `window`, evenly spread: the generic cell
/// rate algorithm. A caller who uses them up at once has one more every `window / count`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LimitSpec {
    /// The name that `RateLimit-Policy` gives it, and by which entry points share it.
    pub name: Cow<'static, str>,
    /// The group whose requests are counted together.
    pub per: LimitPer,
    /// The number of requests that may pass at once.
    pub count: NonZeroU32,
    /// The time in which as many become available again.
    pub window: Duration,
}

/// The number of a limit in its table: from 0, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LimitId(pub usize);

/// A limit of a rule. Equal specs are one limit, shared by their routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its number in the table; 0 until the rule is added to one.
    pub id: LimitId,
    /// The limit as declared.
    pub spec: LimitSpec,
}

/// The demands of one route. Made with [`Rule::public`], [`Rule::optional`] or [`Rule::signed_in`],
/// then one call for each demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) access: Access,
    pub(crate) bearer_only: bool,
    pub(crate) not_by_key: bool,
    origin_or_bearer: bool,
    pub(crate) role: Option<Role>,
    pub(crate) feature: Option<Cow<'static, str>>,
    pub(crate) capability: Option<(Capability, PathTemplate)>,
    pub(crate) limits: Vec<Limit>,
    consumes: Cow<'static, [Cow<'static, str>]>,
    body_bytes: usize,
}

/// The content type that a body has unless a rule says otherwise.
const JSON: &[Cow<'static, str>] = &[Cow::Borrowed("application/json")];

impl Rule {
    /// The largest JSON body or form that any route reads, in bytes: 1 MiB. So much do routes read
    /// that know their callers, unless said.
    pub const MAX_BODY_BYTES: usize = 1024 * 1024;

    /// The largest JSON body or form, in bytes, that routes open to strangers read unless their rules
    /// say otherwise: 16 KiB.
    pub const OPEN_BODY_BYTES: usize = 16 * 1024;

    const fn new(access: Access) -> Self {
        Self {
            access,
            bearer_only: false,
            not_by_key: false,
            origin_or_bearer: false,
            role: None,
            feature: None,
            capability: None,
            limits: Vec::new(),
            consumes: Cow::Borrowed(JSON),
            body_bytes: match access {
                Access::SignedIn => Self::MAX_BODY_BYTES,
                Access::Public | Access::Optional => Self::OPEN_BODY_BYTES,
            },
        }
    }

    /// Returns a rule for everybody: no credential is read.
    #[must_use]
    pub const fn public() -> Self {
        Self::new(Access::Public)
    }

    /// Returns a rule for everybody: a good credential is read, a bad one is no obstacle.
    #[must_use]
    pub const fn optional() -> Self {
        Self::new(Access::Optional)
    }

    /// Returns a rule for known callers.
    #[must_use]
    pub const fn signed_in() -> Self {
        Self::new(Access::SignedIn)
    }

    /// Refuses session cookies.
    #[must_use]
    pub const fn bearer_only(mut self) -> Self {
        self.bearer_only = true;
        self
    }

    /// Refuses API keys: for people who signed in.
    #[must_use]
    pub const fn not_by_key(mut self) -> Self {
        self.not_by_key = true;
        self
    }

    /// Lets a request without any `Origin` pass an open route that changes something, if it has a key
    /// or token as bearer and no session cookie. No browser sends such a request by itself.
    #[must_use]
    pub const fn origin_or_bearer(mut self) -> Self {
        self.origin_or_bearer = true;
        self
    }

    /// Requires the powers of this role or a higher one, which a narrowed key never has.
    #[must_use]
    pub const fn role(mut self, at_least: Role) -> Self {
        self.role = Some(at_least);
        self
    }

    /// Requires that the organisation's plan has this feature.
    #[must_use]
    pub fn feature(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.feature = Some(name.into());
        self
    }

    /// Requires this capability on the resource path that the template gives when the route's own
    /// parameters are put in, as `/shared/{rest}` for the route `/files/{*rest}`.
    #[must_use]
    pub fn capability(mut self, needs: Capability, template: impl Into<Cow<'static, str>>) -> Self {
        self.capability = Some((needs, PathTemplate::new(template.into())));
        self
    }

    /// Limits the number of requests. May be called repeatedly; every limit holds.
    #[must_use]
    pub fn limit(mut self, spec: LimitSpec) -> Self {
        self.limits.push(Limit {
            id: LimitId::default(),
            spec,
        });
        self
    }

    /// Sets the content types a body may have; `application/json` alone unless called. If there are
    /// any, a body may have no content coding.
    #[must_use]
    pub fn consumes(mut self, types: &[&str]) -> Self {
        let types = types.iter().map(|name| Cow::Owned((*name).to_owned()));
        self.consumes = types.collect();
        self
    }

    /// Sets the most bytes of a JSON body or a form that are read, at most [`Rule::MAX_BODY_BYTES`].
    /// Unless called, these are [`Rule::OPEN_BODY_BYTES`] where strangers may call, and the most elsewhere.
    /// Bodies of other types are the handler's to read, and to bound.
    #[must_use]
    pub const fn body_bytes(mut self, most: usize) -> Self {
        self.body_bytes = if most < Self::MAX_BODY_BYTES {
            most
        } else {
            Self::MAX_BODY_BYTES
        };
        self
    }

    /// Returns the need to know the caller.
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Returns true if nobody is refused for want of a credential.
    pub fn is_open(&self) -> bool {
        self.access != Access::SignedIn
    }

    /// Returns true if session cookies are refused.
    pub const fn is_bearer_only(&self) -> bool {
        self.bearer_only
    }

    /// Returns true if a bearer without a session cookie replaces the `Origin`, even one that has
    /// expired.
    pub const fn takes_origin_or_bearer(&self) -> bool {
        self.origin_or_bearer
    }

    /// Returns the limits, with their numbers in the table.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Returns the content types a body may have.
    pub fn content_types(&self) -> &[Cow<'static, str>] {
        &self.consumes
    }

    /// Returns the most bytes of a JSON body or a form that are read.
    pub const fn most_body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// Returns the role needed, if any.
    pub const fn needs_role(&self) -> Option<Role> {
        self.role
    }

    /// Returns the plan feature needed, if any.
    pub fn needs_feature(&self) -> Option<&str> {
        self.feature.as_deref()
    }

    /// Returns the capability needed and the template of its path, if any.
    pub fn needs_capability(&self) -> Option<(Capability, &str)> {
        self.capability
            .as_ref()
            .map(|(capability, template)| (*capability, template.as_str()))
    }

    /// Refuses a kind of credential that the route does not accept.
    pub const fn admits(&self, credential: CredentialRef) -> Result<(), Refusal> {
        let refused = match credential {
            CredentialRef::ApiKey(_) => self.not_by_key,
            CredentialRef::SessionCookie(_) => self.bearer_only,
            CredentialRef::AccessToken(_) => false,
        };
        if !refused {
            return Ok(());
        }
        Err(Refusal::CredentialKind {
            presented: credential.kind(),
            accepts: match (self.bearer_only, self.not_by_key) {
                (true, false) => "an API key or an access token as bearer",
                (false, _) => "a sign-in of your own",
                (true, true) => "the access token of a sign-in of your own",
            },
        })
    }
}
