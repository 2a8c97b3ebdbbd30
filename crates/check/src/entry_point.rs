//! One service or listener that checks requests.

use std::sync::Arc;

use arc_swap::ArcSwap;
use vestibule_policy::{RouteKind, RuleTable};

use crate::bodies::BodyPlace;
use crate::core::{Core, Shared};
use crate::csrf::OwnOrigin;
use crate::head::RequestHead;
use crate::pipeline::{Counted, Judge};
use crate::rules::Rules;
use crate::verdict::{Passed, Verdict};

/// The name of the session cookie, unless configured. The `__Host-` prefix makes the browser
/// refuse one that another host or an unencrypted page has set (RFC 6265bis, 4.1.3.2).
pub const DEFAULT_COOKIE_NAME: &str = "__Host-vestibule";

/// The check of one service or listener: its rules, its own origin and the name of its session
/// cookie. Everything else belongs to its [`Core`], which it shares with the other entry points of
/// the process. Cloning is cheap.
#[derive(Clone)]
pub struct EntryPoint(Arc<Inner>);

struct Inner {
    core: Arc<Shared>,
    rules: ArcSwap<Rules>,
    origin: OwnOrigin,
    cookie_name: Box<str>,
}

impl Core {
    /// Returns a new entry point that judges by `table`. `origin` is that of its own pages: requests
    /// with a session cookie that change something have to come from there.
    ///
    /// Limits are shared by name: an entry point that declares a limit as another one does (name,
    /// count, window and whom it counts) charges the same allowance. The same name with another
    /// count or window is another limit.
    #[must_use]
    pub fn entry_point(&self, table: RuleTable, origin: OwnOrigin) -> EntryPoint {
        let core = Arc::clone(&self.0);
        let rules = Rules::new(table, &core.limits, &core.denials);
        EntryPoint(Arc::new(Inner {
            rules: ArcSwap::from_pointee(rules),
            core,
            origin,
            cookie_name: DEFAULT_COOKIE_NAME.into(),
        }))
    }
}

impl EntryPoint {
    /// Returns the same entry point with another name of the session cookie;
    /// [`DEFAULT_COOKIE_NAME`] unless this is called. Clones that were made before keep theirs.
    #[must_use]
    pub fn with_cookie_name(self, name: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            core: Arc::clone(&self.0.core),
            rules: ArcSwap::new(self.0.rules.load_full()),
            origin: self.0.origin.clone(),
            cookie_name: name.into(),
        }))
    }

    /// Judges a request at once. Returns `None` if its credential is not known yet, and the directory
    /// has to be asked, which [`EntryPoint::check`] does.
    pub fn check_known(&self, head: &RequestHead<'_>) -> Option<Verdict> {
        let rules = self.0.rules.load();
        let verdict = self.0.judge(&rules).ask_cache(head)?;
        self.0.core.count(&verdict);
        Some(verdict)
    }

    /// Judges a request, and asks the directory if its credential is not known yet.
    pub async fn check(&self, head: &RequestHead<'_>) -> Verdict {
        let rules = self.0.rules.load_full();
        let verdict = self.0.judge(&rules).ask(head, Counted::Yes).await;
        self.0.core.count(&verdict);
        verdict
    }

    /// Returns a place for the body of a request that passed, among all bodies on their way to any
    /// entry point of the core.
    pub fn place(&self, head: &RequestHead<'_>, passed: &Passed) -> BodyPlace {
        self.0.core.bodies.place(passed.sender(head))
    }

    /// Judges a request again whose body has arrived by now, if anything may have changed since: a
    /// credential that was revoked or has ended while its body was on the way opens nothing. It
    /// counts towards no limit a second time, and keeps to the rules that the request began with.
    pub async fn confirm(&self, head: &RequestHead<'_>, passed: Passed) -> Verdict {
        let core = &self.0.core;
        let at = core.clock.moment();
        // What others change is not heard while the lease does not hold.
        let stands = passed.judged_at == core.cache.applied()
            && core.cache.hears(at.boot)
            && passed.is_fresh(at.now);
        if stands || !passed.has_caller() {
            return Ok(passed);
        }
        let rules = passed.rules.unwrap_or_else(|| self.0.rules.load_full());
        let verdict = self.0.judge(&rules).ask(head, Counted::Already).await;
        if verdict.is_err() {
            core.count(&verdict);
        }
        verdict
    }

    /// Replaces all rules at once. Every request that begins later is judged by `table`; those in
    /// flight finish by the rules that they began with.
    ///
    /// The use of a limit that `table` declares as the rules before did (name, count, window and whom
    /// it counts) is kept; any other limit starts unused. Remembered credentials stay
    /// remembered.
    pub fn replace_rules(&self, table: RuleTable) {
        let core = &self.0.core;
        // Built while the old rules still hold their limiters, so that equal limits are found.
        let rules = Rules::new(table, &core.limits, &core.denials);
        self.0.rules.store(Arc::new(rules));
    }

    /// Returns the rules that requests are judged by now.
    pub fn rules(&self) -> impl std::ops::Deref<Target = RuleTable> + use<> {
        CurrentRules(self.0.rules.load_full())
    }

    /// Returns the kind of a path, whether or not it has a route.
    pub fn kind_of(&self, path: &str) -> RouteKind {
        self.0.rules.load().table.kind_of(path)
    }

    /// Returns the origin of its own pages.
    pub fn origin(&self) -> &OwnOrigin {
        &self.0.origin
    }

    /// Returns the name of its session cookie.
    pub fn cookie_name(&self) -> &str {
        &self.0.cookie_name
    }

    /// Returns the core that it belongs to.
    pub fn core(&self) -> Core {
        Core(Arc::clone(&self.0.core))
    }
}

/// Rules that stay the same, even if they are replaced.
struct CurrentRules(Arc<Rules>);

impl std::ops::Deref for CurrentRules {
    type Target = RuleTable;

    fn deref(&self) -> &RuleTable {
        &self.0.table
    }
}

impl Inner {
    const fn judge<'e>(&'e self, rules: &'e Arc<Rules>) -> Judge<'e> {
        Judge {
            core: &self.core,
            rules,
            origin: &self.origin,
            cookie_name: &self.cookie_name,
        }
    }
}

impl std::fmt::Debug for EntryPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryPoint")
            .field("origin", &self.0.origin)
            .finish_non_exhaustive()
    }
}
