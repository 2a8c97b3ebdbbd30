//! The steps, in their order; `resolve` finds the caller.

use http::HeaderMap;
use vestibule_model::Timestamp;
use vestibule_policy::rule::Access;
use vestibule_policy::{Accepts, Refusal, Rule, decide, target};

use super::judge::{Counted, Judge};
use super::route::Route;
use crate::cache::{CacheKey, Entry};
use crate::denial::{Cause, Csrf, Denial, WrongOrigin};
use crate::denials::{DeniedCall, method_name};
use crate::head::RequestHead;
use crate::known_caller::KnownCaller;
use crate::limits::Limited;
use crate::scheme::{self, Presented};
use crate::verdict::Verdict;

impl<'e> Judge<'e> {
    /// Judges a request at once; `None` when the directory has to be asked who is calling.
    #[inline]
    pub(crate) fn ask_cache(&self, head: &RequestHead<'_>) -> Option<Verdict> {
        let (at, judged_at) = (self.core.clock.moment(), self.core.cache.applied());
        let route = match self.route(head) {
            Ok(route) => route,
            Err(denial) => return Some(Err(denial)),
        };
        let presented = match self.presented(head, &route) {
            Ok(Some(presented)) => presented,
            Ok(None) => return Some(Ok(route.passed(head, None, judged_at))),
            Err(denial) => return Some(Err(denial)),
        };
        let key = CacheKey(presented.digest());
        let entry = self.core.cache.get(&key, presented.rest(), at)?;
        Some(
            match self.judge(head, &route, presented, &entry, at.now, Counted::Yes) {
                Ok(()) => Ok(route.passed(head, Some(entry), judged_at)),
                Err(denial) => Err(denial),
            },
        )
    }

    /// Judges a request, and waits for the directory where it has to be asked who is calling.
    pub(crate) async fn ask(&self, head: &RequestHead<'_>, counted: Counted) -> Verdict {
        let (at, judged_at) = (self.core.clock.moment(), self.core.cache.applied());
        let route = self.route(head)?;
        let caller = match self.presented(head, &route)? {
            None => None,
            Some(presented) => match self.core.resolve(presented, at).await {
                Ok(entry) => {
                    self.judge(head, &route, presented, &entry, at.now, counted)?;
                    Some(entry)
                }
                Err(nobody)
                    if route.access() == Access::Optional
                        && !matches!(nobody.cause, Cause::Unavailable) =>
                {
                    self.without_caller(head, &route)?;
                    None
                }
                Err(nobody) => {
                    let denial = self.denial(head, &route, nobody.caller, nobody.cause);
                    return Err(denial.into());
                }
            },
        };
        Ok(route.passed(head, caller, judged_at))
    }

    /// Step 1: the path is canonical, and the rule table says what is there.
    #[inline] // or else what it gives, which is large, is copied once more
    fn route<'h>(&self, head: &RequestHead<'h>) -> Result<Route<'e, 'h>, Box<Denial>> {
        match target::canonical(head.path) {
            Ok(()) => Ok(Route::find(self.rules, head)),
            Err(not_canonical) => {
                let kind = self.rules.table.kind_of(head.path);
                Err(Denial::of(kind, Cause::Path(not_canonical)).into())
            }
        }
    }

    /// Step 2: the request carries a credential of the right shape, or its route asks for none and
    /// what else the route asks is met.
    #[inline]
    fn presented<'h>(
        &self,
        head: &RequestHead<'h>,
        route: &Route<'_, '_>,
    ) -> Result<Option<Presented<'h>>, Box<Denial>> {
        let access = route.access();
        if access == Access::Public {
            return self.without_caller(head, route).map(|()| None);
        }
        let (headers, prefix) = (head.headers, &self.core.prefix);
        let presented = match route.kind.accepts {
            Accepts::Bearer => scheme::presented(headers, prefix, None),
            Accepts::BearerOrCookie => scheme::presented(headers, prefix, Some(self.cookie_name)),
            Accepts::Cookie => scheme::cookie(headers, prefix, self.cookie_name),
        };
        match presented {
            Ok(Some(presented)) => Ok(Some(presented)),
            Ok(None) | Err(_) if access == Access::Optional => {
                self.without_caller(head, route).map(|()| None)
            }
            Ok(None) => Err(route.denial(Cause::NoCredential).into()),
            Err(rejected) => Err(route.denial(Cause::Rejected(rejected)).into()),
        }
    }

    /// Takes the steps that remain for a request without a caller. Somebody else's page may not sign
    /// anybody in or out, so the Origin is checked here, too.
    fn without_caller(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
    ) -> Result<(), Box<Denial>> {
        let (rule, _) = route.rule().map_err(|cause| route.denial(cause))?;
        if route.kind.accepts.reads_cookie()
            && head.is_mutating()
            && let Err(csrf) = self.origin.guard(head.headers)
        {
            let or_bearer = rule.takes_origin_or_bearer();
            // Every browser says from where a POST comes.
            let is_a_program = csrf.found == WrongOrigin::Missing;
            if !(or_bearer && is_a_program && self.has_only_a_bearer(head.headers)) {
                return Err(route.denial(Cause::Csrf(Csrf { or_bearer, ..csrf })).into());
            }
        }
        head.content_type(rule)
            .map_err(|cause| route.denial(cause).into())
    }

    /// Returns true if a request has a bearer that looks like one of ours, and no session cookie.
    fn has_only_a_bearer(&self, headers: &HeaderMap) -> bool {
        let mut cookies = scheme::cookie_values(headers, self.cookie_name);
        let bearer = scheme::presented(headers, &self.core.prefix, None);
        matches!(bearer, Ok(Some(_))) && cookies.next().is_none()
    }

    /// Takes steps 5 to 7, for a caller who is known; step 4, an active organisation and membership, is
    /// part of the directory's answer.
    #[inline]
    fn judge(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
        presented: Presented<'_>,
        entry: &Entry,
        now: Timestamp,
        counted: Counted,
    ) -> Result<(), Box<Denial>> {
        let principal = entry.principal();
        if entry.first_use_this_minute(now) {
            self.core.usage.note(principal.credential, now);
        }
        match self.obstacle(head, route, presented, entry, counted) {
            None => Ok(()),
            Some(cause) => Err(self
                .denial(head, route, Some(principal.into()), cause)
                .into()),
        }
    }

    /// The denial of a request, noted where it is known who calls.
    #[cold]
    fn denial(
        &self,
        head: &RequestHead<'_>,
        route: &Route<'_, '_>,
        caller: Option<KnownCaller>,
        cause: Cause,
    ) -> Denial {
        if let Some(caller) = caller {
            let call = DeniedCall {
                caller,
                method: method_name(head.method),
                route: route.template().into(),
                reason: cause.reason().into(),
            };
            self.core.denials.note(call, head.address);
        }
        Denial {
            caller,
            ..route.denial(cause)
        }
    }

    /// Counts a request under the plan of its organisation and under each limit of its rule.
    #[inline]
    fn count(&self, rule: &Rule, entry: &Entry) -> Result<(), Limited> {
        let (allowances, principal) = (entry.allowances(), entry.principal());
        self.core.limits.count_by_plan(allowances, principal)?;
        let mut limiters = self.rules.limiters(rule.limits());
        limiters.try_for_each(|limiter| limiter.count(allowances, principal))
    }

    /// Returns the cause that keeps a known caller from the handler, if there is one.
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
        let (rule, params) = match route.rule() {
            Ok(found) => found,
            Err(cause) => return Some(cause),
        };
        if let Err(cause) = head.content_type(rule) {
            return Some(cause);
        }
        if counted == Counted::Yes
            && let Err(limited) = self.count(rule, entry)
        {
            return Some(Cause::Limited(limited));
        }
        let refusal = decide(rule, entry.principal(), params).err()?;
        let offered_by = match &refusal {
            Refusal::Feature { feature, .. } => {
                self.core.plans.with_feature(feature).cloned().collect()
            }
            _ => Vec::new(),
        };
        Some(Cause::Refused {
            refusal,
            offered_by,
        })
    }
}
