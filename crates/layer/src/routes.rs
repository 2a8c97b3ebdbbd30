//! Each route declared once, with its handler and what it demands.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use vestibule_http::ErrorFormat;
use vestibule_policy::{Accepts, RouteKind, Rule, RuleTable, TableError};

/// The routes of a service: a router and a rule table that cannot disagree.
#[derive(Debug)]
#[must_use]
pub struct Routes<S = ()> {
    router: Router<S>,
    rules: Vec<(&'static str, String, RouteKind, Rule)>,
    kind: RouteKind,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    fn new(accepts: Accepts, format: ErrorFormat) -> Self {
        Self {
            router: Router::new(),
            rules: Vec::new(),
            kind: RouteKind {
                accepts,
                tag: format.into(),
            },
        }
    }

    /// Returns routes for callers with an `Authorization` header; problems are answered as in RFC 9457.
    pub fn bearer() -> Self {
        Self::new(Accepts::Bearer, ErrorFormat::ProblemJson)
    }

    /// Returns routes for browsers with a session cookie, and for keys too; errors are answered as
    /// `{"error": …}`.
    pub fn browser() -> Self {
        Self::new(Accepts::BearerOrCookie, ErrorFormat::ErrorJson)
    }

    /// Returns routes of pages for people with a session cookie, and with nothing else; a layer
    /// outside draws their errors as pages, see [`PageProblem`](vestibule_http::PageProblem).
    pub fn pages() -> Self {
        Self::new(Accepts::Cookie, ErrorFormat::Page)
    }

    /// Adds `GET path`, and `HEAD` with it.
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.method("GET", path, rule, on(MethodFilter::GET, handler))
    }

    /// Adds `POST path`.
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.method("POST", path, rule, on(MethodFilter::POST, handler))
    }

    /// Adds `PUT path`.
    pub fn put<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.method("PUT", path, rule, on(MethodFilter::PUT, handler))
    }

    /// Adds `PATCH path`.
    pub fn patch<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.method("PATCH", path, rule, on(MethodFilter::PATCH, handler))
    }

    /// Adds `DELETE path`.
    pub fn delete<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.method("DELETE", path, rule, on(MethodFilter::DELETE, handler))
    }

    /// Adds a route whose handler is mounted already, as documentation macros produce it. `handler`
    /// answers `method` and nothing else.
    ///
    /// # Panics
    /// When the router has the same path and method already, as axum's own `route` does: at
    /// start-up, and in the first test.
    pub fn method(
        self,
        method: &'static str,
        path: &str,
        rule: Rule,
        handler: MethodRouter<S>,
    ) -> Self {
        self.methods(&[method], path, rule, handler)
    }

    /// Adds a route whose handlers of several methods are mounted already, under one rule.
    /// `handler` answers `methods` and nothing else.
    ///
    /// # Panics
    /// When the router has the same path and one of the methods already.
    pub fn methods(
        mut self,
        methods: &[&'static str],
        path: &str,
        rule: Rule,
        handler: MethodRouter<S>,
    ) -> Self {
        self.router = self.router.route(path, handler);
        let rules = methods.iter().zip(std::iter::repeat_n(rule, methods.len()));
        let rules = rules.map(|(method, rule)| (*method, path.to_owned(), self.kind, rule));
        self.rules.extend(rules);
        self
    }

    /// Adds the routes of another collection.
    ///
    /// # Panics
    /// When both have the same path and method.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.rules.extend(other.rules);
        self
    }

    /// Gives the handlers their state.
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes {
            router: self.router.with_state(state),
            rules: self.rules,
            kind: self.kind,
        }
    }

    /// Splits the routes into the router and the table of its rules, for
    /// [`Core::entry_point`](crate::Core::entry_point) and
    /// [`EntryPointExt::guard`](crate::EntryPointExt::guard).
    pub fn into_parts(self) -> Result<(Router<S>, RuleTable), TableError> {
        let mut builder = RuleTable::builder();
        for (method, path, kind, rule) in self.rules {
            builder = builder.add(method, &path, kind, rule)?;
        }
        Ok((self.router, builder.build()))
    }
}
