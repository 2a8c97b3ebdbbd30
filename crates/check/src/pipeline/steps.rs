//! The steps, in their order.

use std::sync::Arc;

use vestibule_credential::token::TokenError;
use vestibule_model::{Principal, Timestamp};
use vestibule_policy::rule::{Access, Dialect};
use vestibule_policy::{Refusal, decide, target};

use super::Inner;
use super::route::{Route, Step};
use crate::cache::{Caller, Entry};
use crate::denial::{Cause, Denial, Rejected};
use crate::denials::{DeniedCall, method_name};
use crate::head::RequestHead;
use crate::permit::Permit;
use crate::scheme::{self, Presented};
use crate::verdict::{Passed, Verdict};

/// Whether a judgement counts towards the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Yes,
    Already,
}

impl Inner {
    pub(super) async fn ask(&self, head: &RequestHead<'_>, counted: Counted) -> Verdict {
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
                Err(cause) => Err(route.denial(cause).into()),
            },
        }
    }

    /// Steps 1 and 2: the path is canonical, and the request carries a credential of the right
    /// shape where its route wants one.
    #[inline] // or else what it gives, which is large, is copied once more
    pub(super) fn admit<'t, 'h>(
        &'t self,
        head: &RequestHead<'h>,
    ) -> Result<Step<'t, 'h>, Box<Denial>> {
        target::canonical(head.path).map_err(|not_canonical| {
            Route::Unknown(self.table.dialect_of(head.path)).denial(Cause::Path(not_canonical))
        })?;
        let route = Route::find(&self.table, head)?;
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
            Ok(None) => Err(route.denial(Cause::NoCredential).into()),
            Err(rejected) => Err(route.denial(Cause::Rejected(rejected)).into()),
        }
    }

    /// The steps that remain for a request without a caller. A page of somebody else may not sign
    /// anybody in or out, so the Origin guard stands here too.
    fn without_caller(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
    ) -> Result<Dialect, Box<Denial>> {
        let Route::Known { rule, dialect, .. } = route else {
            return Err(route.denial(Cause::NoCredential).into());
        };
        if *dialect != Dialect::Bearer && head.is_mutating() {
            self.origin
                .guard(head.headers)
                .map_err(|csrf| route.denial(Cause::Csrf(csrf)))?;
        }
        head.content_type(rule)
            .map_err(|cause| route.denial(cause))?;
        self.limits
            .count(rule.limits(), None, head.address)
            .map_err(|limited| route.denial(Cause::Limited(limited)))?;
        Ok(*dialect)
    }

    /// Step 3: who is calling, from the store where the cache does not know.
    async fn resolve(&self, presented: Presented<'_>, now: Timestamp) -> Result<Arc<Entry>, Cause> {
        if let Some(entry) = self.cache.get(&presented, now) {
            return Ok(entry);
        }
        presented.verify().map_err(Cause::Rejected)?;
        let reading = self.cache.begin_reading();
        let principal = match presented {
            Presented::ApiKey(_, digest) => self.directory.api_key(&digest).await,
            Presented::SessionCookie(_, digest) => self.directory.session_cookie(&digest).await,
            Presented::AccessToken { text, .. } => {
                let text =
                    std::str::from_utf8(text).map_err(|_| Cause::Rejected(Rejected::Malformed))?;
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
            Ok(principal) => {
                let caller = Caller {
                    allowances: self.limits.allowances(&principal),
                    signed: presented.signed().map(Box::from),
                    principal,
                };
                let key = presented.cache_key();
                Ok(self.cache.insert(reading, key, caller, now))
            }
            Err(unresolved) => Err(unresolved.into()),
        }
    }

    /// Steps 5 to 7, for a caller who is known; step 4, that the organisation and the membership
    /// stand, is the directory's answer.
    #[inline]
    pub(super) fn judge(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
        presented: Presented<'_>,
        entry: Arc<Entry>,
        now: Timestamp,
        counted: Counted,
    ) -> Result<Permit, Box<Denial>> {
        let principal = entry.principal();
        if entry.first_use_this_minute(now) {
            self.usage.note(principal.credential, now);
        }
        match self.obstacle(head, route, presented, &entry, counted) {
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
                Err(Box::new(Denial {
                    caller: Some((principal.user_id, principal.organization_id)),
                    ..route.denial(cause)
                }))
            }
        }
    }

    /// What stands between a known caller and the handler, if anything.
    fn obstacle(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
        presented: Presented<'_>,
        entry: &Entry,
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
        if let Err(cause) = head.content_type(rule) {
            return Some(cause);
        }
        if counted == Counted::Yes
            && let Err(limited) =
                self.limits
                    .count(rule.limits(), Some(entry.allowances()), head.address)
        {
            return Some(Cause::Limited(limited));
        }
        let refusal = decide(rule, entry.principal(), params).err()?;
        let offered_by = match &refusal {
            Refusal::Feature { feature, .. } => self.plans.with_feature(feature).cloned().collect(),
            _ => Vec::new(),
        };
        Some(Cause::Refused {
            refusal,
            offered_by,
        })
    }
}
