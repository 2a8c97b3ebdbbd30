//! May this request pass? The steps of `docs/architecture.md`, in order, for every door.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use http::Method;
use http::header::CONTENT_TYPE;
use vestibule_credential::frame::Prefix;
use vestibule_credential::keyring::Keyring;
use vestibule_credential::token::TokenError;
use vestibule_model::{Change, Clock, CredentialRef, Plans, Principal, SystemClock, Timestamp};
use vestibule_policy::rule::{Access, Dialect, Rule};
use vestibule_policy::table::{Found, Params};
use vestibule_policy::{Refusal, RuleTable, decide, target};

use crate::cache::{Cache, CacheBounds, Entry};
use crate::csrf::OwnOrigin;
use crate::denial::{Cause, Denial, Inactive, Rejected};
use crate::denials::{DenialBatch, Denials, DeniedCall};
use crate::directory::{Directory, Unresolved};
use crate::head::RequestHead;
use crate::limits::Limits;
use crate::permit::Permit;
use crate::scheme::{self, Presented};
use crate::usage::Usage;

#[cfg(test)]
mod tests;

/// What the check is made of.
pub struct CheckParts {
    /// Which requests need what.
    pub table: RuleTable,
    /// The plans, for the limits they set.
    pub plans: Plans,
    /// Where principals come from.
    pub directory: Arc<dyn Directory>,
    /// The keys that access tokens are signed with; `None` where none are taken.
    pub keyring: Option<Arc<ArcSwap<Keyring>>>,
    /// What every secret of this installation begins with.
    pub prefix: Prefix,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// The origin of our own pages.
    pub origin: OwnOrigin,
    /// How much is remembered, and for how long.
    pub cache: CacheBounds,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl CheckParts {
    /// The parts of a check that takes keys and cookies of this directory, from pages of this
    /// origin, and is otherwise as the defaults have it.
    pub fn new(table: RuleTable, directory: Arc<dyn Directory>, origin: OwnOrigin) -> Self {
        Self {
            table,
            plans: Plans::default(),
            directory,
            keyring: None,
            prefix: Prefix::default(),
            cookie_name: DEFAULT_COOKIE_NAME.to_owned(),
            origin,
            cache: CacheBounds::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// The name of the session cookie, unless configured. The `__Host-` prefix makes the browser
/// refuse one that another host or an unencrypted page has set (RFC 6265bis, 4.1.3.2).
pub const DEFAULT_COOKIE_NAME: &str = "__Host-vestibule";

/// The check: one for a process, shared by all its doors. Cloning is cheap.
#[derive(Clone)]
pub struct Check(Arc<Inner>);

struct Inner {
    table: RuleTable,
    plans: Plans,
    directory: Arc<dyn Directory>,
    keyring: Option<Arc<ArcSwap<Keyring>>>,
    prefix: Prefix,
    cookie_name: String,
    origin: OwnOrigin,
    clock: Arc<dyn Clock>,
    cache: Cache,
    limits: Limits,
    usage: Usage,
    denials: Denials,
    permitted: AtomicU64,
    denied: AtomicU64,
}

/// The answer.
pub type Verdict = Result<Passed, Denial>;

/// A request that may go on to its handler.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Who is calling; `None` where the route asks for no caller and none was found.
    pub permit: Option<Permit>,
    /// How the route speaks.
    pub dialect: Dialect,
    /// How many changes had been applied before the judgement.
    judged_at: u64,
}

impl Passed {
    fn new(permit: Option<Permit>, dialect: Dialect, judged_at: u64) -> Self {
        Self {
            permit,
            dialect,
            judged_at,
        }
    }
}

/// How many requests were judged since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Those that passed.
    pub permitted: u64,
    /// Those that did not.
    pub denied: u64,
    /// How many credentials are remembered now.
    pub remembered: usize,
}

impl Check {
    /// A check with nothing remembered.
    pub fn new(parts: CheckParts) -> Self {
        Self(Arc::new(Inner {
            limits: Limits::new(&parts.table, &parts.plans),
            table: parts.table,
            plans: parts.plans,
            directory: parts.directory,
            keyring: parts.keyring,
            prefix: parts.prefix,
            cookie_name: parts.cookie_name,
            origin: parts.origin,
            clock: parts.clock,
            cache: Cache::new(parts.cache),
            usage: Usage::default(),
            denials: Denials::default(),
            permitted: AtomicU64::new(0),
            denied: AtomicU64::new(0),
        }))
    }

    /// Judges a request at once; `None` when its credential is not known yet and the directory
    /// has to be asked, which [`Check::check`] does.
    pub fn check_known(&self, head: &RequestHead<'_>) -> Option<Verdict> {
        let (now, judged_at) = (self.0.clock.now(), self.0.cache.applied());
        let verdict = match self.0.admit(head) {
            Ok(Step::Open(dialect)) => Ok(Passed::new(None, dialect, judged_at)),
            Ok(Step::Caller(route, presented)) => {
                let entry = self.0.cache.get(&presented.cache_key(), now)?;
                self.0
                    .judge(head, &route, presented, entry, now, Counted::Yes)
                    .map(|permit| Passed::new(Some(permit), route.dialect(), judged_at))
            }
            Err(denial) => Err(denial),
        };
        self.0.count(&verdict);
        Some(verdict)
    }

    /// Judges a request, asking the directory where the credential is not known yet.
    pub async fn check(&self, head: &RequestHead<'_>) -> Verdict {
        let verdict = self.0.ask(head, Counted::Yes).await;
        self.0.count(&verdict);
        verdict
    }

    /// Judges a request again whose body has arrived by now, if anything was changed since: a
    /// credential that was revoked while its body was on the way opens nothing. It counts towards
    /// no limit a second time.
    pub async fn confirm(&self, head: &RequestHead<'_>, passed: Passed) -> Verdict {
        if passed.permit.is_none() || passed.judged_at == self.0.cache.applied() {
            return Ok(passed);
        }
        self.0.ask(head, Counted::Already).await
    }

    /// Makes a committed change hold: when this returns, no request that starts later passes on
    /// what was true before.
    pub fn apply(&self, change: Change) {
        self.0.cache.apply(change);
    }

    /// Forgets everything and remembers nothing until [`Check::resume`], because the changes of
    /// other servers cannot be heard.
    pub fn suspend(&self) {
        self.0.cache.suspend();
    }

    /// Remembers again.
    pub fn resume(&self) {
        self.0.cache.resume();
    }

    /// The credentials used since the last call, at most one use a minute each.
    pub fn drain_usage(&self) -> Vec<(CredentialRef, Timestamp)> {
        self.0.usage.drain()
    }

    /// The denials of known callers since the last call.
    pub fn drain_denials(&self) -> DenialBatch {
        self.0.denials.drain()
    }

    /// Forgets the counts of those who have their full allowance again. To be called every few
    /// seconds.
    pub fn forget_idle_limits(&self) {
        self.0.limits.forget_idle();
    }

    /// The origin of our own pages.
    pub fn origin(&self) -> &OwnOrigin {
        &self.0.origin
    }

    /// Which requests need what.
    pub fn table(&self) -> &RuleTable {
        &self.0.table
    }

    /// How many requests were judged.
    pub fn totals(&self) -> Totals {
        Totals {
            permitted: self.0.permitted.load(Ordering::Relaxed),
            denied: self.0.denied.load(Ordering::Relaxed),
            remembered: self.0.cache.len(),
        }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}

/// How far a request got before anybody had to be asked who is calling.
enum Step<'t, 'h> {
    /// The route asks for no caller and none is known.
    Open(Dialect),
    Caller(Route<'t, 'h>, Presented<'h>),
}

/// Whether a judgement counts towards the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Yes,
    Already,
}

/// What the rule table says of a request's method and path.
enum Route<'t, 'h> {
    Known {
        rule: &'t Rule,
        template: &'t str,
        params: Params<'t, 'h>,
        dialect: Dialect,
    },
    OtherMethod {
        allowed: &'t str,
        dialect: Dialect,
    },
    Unknown(Dialect),
}

impl Route<'_, '_> {
    fn dialect(&self) -> Dialect {
        match *self {
            Self::Known { dialect, .. }
            | Self::OtherMethod { dialect, .. }
            | Self::Unknown(dialect) => dialect,
        }
    }

    /// What is not in the table is for known callers only: a stranger learns nothing of it.
    fn access(&self) -> Access {
        match self {
            Self::Known { rule, .. } => rule.access(),
            Self::OtherMethod { .. } | Self::Unknown(_) => Access::SignedIn,
        }
    }

    fn template(&self) -> &str {
        match self {
            Self::Known { template, .. } => template,
            Self::OtherMethod { .. } | Self::Unknown(_) => "",
        }
    }

    fn denial(&self, cause: Cause) -> Denial {
        Denial {
            cause,
            dialect: self.dialect(),
            caller: None,
        }
    }
}

impl Inner {
    async fn ask(&self, head: &RequestHead<'_>, counted: Counted) -> Verdict {
        let (now, judged_at) = (self.clock.now(), self.cache.applied());
        match self.admit(head)? {
            Step::Open(dialect) => Ok(Passed::new(None, dialect, judged_at)),
            Step::Caller(route, presented) => match self.resolve(presented, now).await {
                Ok(entry) => self
                    .judge(head, &route, presented, entry, now, counted)
                    .map(|permit| Passed::new(Some(permit), route.dialect(), judged_at)),
                Err(cause)
                    if route.access() == Access::Optional
                        && !matches!(cause, Cause::Unavailable) =>
                {
                    self.without_caller(head, &route)
                        .map(|dialect| Passed::new(None, dialect, judged_at))
                }
                Err(cause) => Err(route.denial(cause)),
            },
        }
    }

    /// Steps 1 and 2: the path is canonical, and the request carries a credential of the right
    /// shape where its route wants one.
    fn admit<'t, 'h>(&'t self, head: &RequestHead<'h>) -> Result<Step<'t, 'h>, Denial> {
        target::canonical(head.path).map_err(|not_canonical| Denial {
            cause: Cause::Path(not_canonical),
            dialect: self.table.dialect_of(head.path),
            caller: None,
        })?;
        let route = match self.table.find(head.method.as_str(), head.path) {
            Found::Rule {
                rule,
                template,
                params,
                dialect,
            } => Route::Known {
                rule,
                template,
                params,
                dialect,
            },
            Found::OtherMethod {
                allowed,
                all_public,
                dialect,
            } => {
                let route = Route::OtherMethod { allowed, dialect };
                if all_public {
                    return Err(route.denial(Cause::Method {
                        allowed: allowed.into(),
                    }));
                }
                route
            }
            Found::Nothing => Route::Unknown(self.table.dialect_of(head.path)),
        };
        let access = route.access();
        if access == Access::Public {
            return self.without_caller(head, &route).map(Step::Open);
        }
        let (headers, prefix) = (head.headers, &self.prefix);
        let presented = match route.dialect() {
            Dialect::Bearer => scheme::presented(headers, prefix, None),
            Dialect::Browser => scheme::presented(headers, prefix, Some(&self.cookie_name)),
            Dialect::Page => scheme::cookie(headers, prefix, &self.cookie_name),
        };
        match presented {
            Ok(Some(presented)) => Ok(Step::Caller(route, presented)),
            Ok(None) | Err(_) if access == Access::Optional => {
                self.without_caller(head, &route).map(Step::Open)
            }
            Ok(None) => Err(route.denial(Cause::NoCredential)),
            Err(rejected) => Err(route.denial(Cause::Rejected(rejected))),
        }
    }

    /// The steps that remain for a request without a caller. A page of somebody else may not sign
    /// anybody in or out, so the Origin guard stands here too.
    fn without_caller(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
    ) -> Result<Dialect, Denial> {
        let Route::Known { rule, dialect, .. } = route else {
            return Err(route.denial(Cause::NoCredential));
        };
        if *dialect != Dialect::Bearer && head.is_mutating() {
            self.origin
                .guard(head.headers)
                .map_err(|csrf| route.denial(Cause::Csrf(csrf)))?;
        }
        content_type(head, rule).map_err(|cause| route.denial(cause))?;
        self.limits
            .count(rule.limits(), None, head.address)
            .map_err(|limited| route.denial(Cause::Limited(limited)))?;
        Ok(*dialect)
    }

    /// Step 3: who is calling, from the store where the cache does not know.
    async fn resolve(&self, presented: Presented<'_>, now: Timestamp) -> Result<Arc<Entry>, Cause> {
        let key = presented.cache_key();
        if let Some(entry) = self.cache.get(&key, now) {
            return Ok(entry);
        }
        let reading = self.cache.begin_reading();
        let principal = match presented {
            Presented::ApiKey(digest) => self.directory.api_key(&digest).await,
            Presented::SessionCookie(digest) => self.directory.session_cookie(&digest).await,
            Presented::AccessToken(text, _) => {
                let keyring = self.keyring.as_ref().map(|keyring| keyring.load());
                let claims = keyring
                    .ok_or(TokenError::UnknownKey)
                    .and_then(|keyring| keyring.verify(text, now))
                    .map_err(|error| Cause::Rejected(Rejected::Token(error)))?;
                let principal = self.directory.access_token(&claims).await;
                principal.map(|principal| Principal {
                    expires_at: Some(match principal.expires_at {
                        Some(end) => end.min(claims.expires_at),
                        None => claims.expires_at,
                    }),
                    ..principal
                })
            }
        };
        match principal {
            Ok(principal) if principal.expires_at.is_some_and(|end| end <= now) => {
                Err(Cause::Rejected(Rejected::Expired))
            }
            Ok(principal) => Ok(self.cache.insert(reading, key, principal, now)),
            Err(unresolved) => Err(cause_of(unresolved)),
        }
    }

    /// Steps 5 to 7, for a caller who is known; step 4, that the organisation and the membership
    /// stand, is the directory's answer.
    fn judge(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
        presented: Presented<'_>,
        entry: Arc<Entry>,
        now: Timestamp,
        counted: Counted,
    ) -> Result<Permit, Denial> {
        let principal = &entry.principal;
        if entry.first_use_this_minute(now) {
            self.usage.note(principal.credential, now);
        }
        match self.obstacle(head, route, presented, principal, counted) {
            None => Ok(Permit::new(entry, head.address, head.request_id.cloned())),
            Some(cause) => {
                let call = DeniedCall {
                    user_id: principal.user_id,
                    organization_id: principal.organization_id,
                    credential: principal.credential,
                    method: method_name(head.method),
                    route: route.template().into(),
                    reason: cause.reason(),
                };
                self.denials.note(call, now, head.address);
                Err(Denial {
                    caller: Some((principal.user_id, principal.organization_id)),
                    ..route.denial(cause)
                })
            }
        }
    }

    /// What stands between a known caller and the handler, if anything.
    fn obstacle(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
        presented: Presented<'_>,
        principal: &Principal,
        counted: Counted,
    ) -> Option<Cause> {
        if presented.is_ambient()
            && head.is_mutating()
            && let Err(csrf) = self.origin.guard(head.headers)
        {
            return Some(Cause::Csrf(csrf));
        }
        let (rule, params) = match route {
            Route::Known { rule, params, .. } => (*rule, params),
            Route::OtherMethod { allowed, .. } => {
                return Some(Cause::Method {
                    allowed: (*allowed).into(),
                });
            }
            Route::Unknown(_) => return Some(Cause::NoRoute),
        };
        if let Err(cause) = content_type(head, rule) {
            return Some(cause);
        }
        if counted == Counted::Yes
            && let Err(limited) = self
                .limits
                .count(rule.limits(), Some(principal), head.address)
        {
            return Some(Cause::Limited(limited));
        }
        let refusal = decide(rule, principal, params).err()?;
        let offered_by = match &refusal {
            Refusal::Feature { feature, .. } => self.plans.with_feature(feature).cloned().collect(),
            _ => Vec::new(),
        };
        Some(Cause::Refused {
            refusal,
            offered_by,
        })
    }

    fn count(&self, verdict: &Verdict) {
        let counter = match verdict {
            Ok(_) => &self.permitted,
            Err(_) => &self.denied,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A body must be of a type that the route reads (RFC 9110, 8.3); one without a type is refused.
fn content_type(head: &RequestHead<'_>, rule: &Rule) -> Result<(), Cause> {
    let accepted = rule.content_types();
    if accepted.is_empty() || !head.has_body() {
        return Ok(());
    }
    let mut values = head.headers.get_all(CONTENT_TYPE).iter();
    let essence = match (values.next(), values.next()) {
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(|text| text.split(';').next())
            .map(str::trim),
        _ => None,
    };
    match essence {
        Some(essence)
            if accepted
                .iter()
                .any(|media_type| essence.eq_ignore_ascii_case(media_type)) =>
        {
            Ok(())
        }
        _ => Err(Cause::ContentType { accepted }),
    }
}

fn cause_of(unresolved: Unresolved) -> Cause {
    match unresolved {
        Unresolved::Unknown => Cause::Rejected(Rejected::Unknown),
        Unresolved::Expired => Cause::Rejected(Rejected::Expired),
        Unresolved::Revoked => Cause::Rejected(Rejected::Revoked),
        Unresolved::Suspended => Cause::Inactive(Inactive::User),
        Unresolved::NoMembership => Cause::Inactive(Inactive::Membership),
        Unresolved::OrganizationInactive => Cause::Inactive(Inactive::Organization),
        Unresolved::Unavailable(cause) => {
            tracing::error!(%cause, "the directory did not answer");
            Cause::Unavailable
        }
    }
}

/// The method as a name that does not have to be kept: what a stranger invents is not repeated.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
