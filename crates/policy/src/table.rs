//! The routes and what each demands.
//!
//! The rule table is the route table: a request that is not in it is refused. Templates are as axum's,
//! `/v1/folders/{id}` and `/files/{*rest}`, and hold to two rules of their own: a parameter is a
//! whole segment, and what is literal has one spelling only, so that no encoding of a path can
//! miss its rule.

mod build;
mod error;

use std::collections::HashMap;

pub use build::TableBuilder;
pub use error::TableError;

use crate::Rule;
use crate::kind::RouteKind;
use crate::params::Params;
use crate::rule::{LimitId, LimitSpec};

/// The table's entry for a request.
#[derive(Debug, Clone)]
pub enum Found<'t, 'p> {
    /// A route.
    Rule {
        /// Its demands.
        rule: &'t Rule,
        /// Its path as declared.
        template: &'t str,
        /// Its parameters in this path.
        params: Params<'t, 'p>,
        /// The credentials it accepts, and its tag.
        kind: RouteKind,
        /// Its number in the table.
        number: RouteNumber,
    },
    /// The path is known, for other methods: a 405.
    OtherMethod {
        /// The methods there are, as `Allow` lists them.
        allowed: &'t str,
        /// True if all of them are open to strangers, who may then know of the path.
        all_public: bool,
        /// The kind of the path's routes.
        kind: RouteKind,
    },
    /// No such path.
    Nothing,
}

/// The number of a route in its table, in the order of declaration from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteNumber(usize);

impl RouteNumber {
    /// Returns the place of the route in a list of all of them.
    pub const fn index(self) -> usize {
        self.0
    }
}

/// One declared route.
#[derive(Debug, Clone, Copy)]
pub struct Route<'t> {
    /// Its number in the table.
    pub number: RouteNumber,
    /// The method.
    pub method: &'t str,
    /// The path as declared.
    pub template: &'t str,
    /// The credentials it accepts, and its tag.
    pub kind: RouteKind,
    /// Its demands.
    pub rule: &'t Rule,
}

/// All routes and what each demands.
#[derive(Debug, Clone, Default)]
pub struct RuleTable {
    router: matchit::Router<usize>,
    paths: Vec<Path>,
    by_template: HashMap<String, usize>,
    limits: Vec<LimitSpec>,
    /// The number of routes.
    routes: usize,
}

/// One template and its methods: few, so they are searched in turn.
#[derive(Debug, Clone)]
struct Path {
    template: String,
    methods: Vec<Method>,
    allowed: String,
    all_public: bool,
}

#[derive(Debug, Clone)]
struct Method {
    name: String,
    kind: RouteKind,
    rule: Rule,
    number: RouteNumber,
}

impl RuleTable {
    /// Returns the entry for a method and a [canonical](crate::target::canonical) path.
    ///
    /// Allocates nothing while a path has at most three parameters. `HEAD` is answered by the rule
    /// of `GET` where it has none of its own, as axum's routing does.
    #[inline] // or else the parameters, which are large, are copied once more
    pub fn find<'t, 'p>(&'t self, method: &str, path: &'p str) -> Found<'t, 'p> {
        // One router for all methods, so that a 405 costs no second search.
        let Ok(matched) = self.router.at(path) else {
            return Found::Nothing;
        };
        let Some(entry) = self.paths.get(*matched.value) else {
            return Found::Nothing;
        };
        match entry.method(method) {
            Some(found) => Found::Rule {
                rule: &found.rule,
                template: &entry.template,
                params: Params(matched.params),
                kind: found.kind,
                number: found.number,
            },
            None => Found::OtherMethod {
                allowed: &entry.allowed,
                all_public: entry.all_public,
                kind: entry.kind(),
            },
        }
    }

    /// Returns the kind of a path that is not in the table: that of the routes that share its first
    /// segment, else the default, which reads bearers.
    pub fn kind_of(&self, path: &str) -> RouteKind {
        // Cut once, and compared in place: cutting each of a hundred templates, too, took a tenth of
        // the instructions of a request to a path that is not there.
        let Some(segment) = path.split('/').nth(1) else {
            return RouteKind::default();
        };
        let shares = |template: &str| {
            let rest = template.strip_prefix('/')?.strip_prefix(segment)?;
            Some(rest.is_empty() || rest.starts_with('/'))
        };
        self.paths
            .iter()
            .find(|entry| shares(&entry.template) == Some(true))
            .map_or(RouteKind::default(), Path::kind)
    }

    /// Returns every route, in the order of declaration by path.
    pub fn routes(&self) -> impl Iterator<Item = Route<'_>> {
        self.paths.iter().flat_map(|path| {
            path.methods.iter().map(|method| Route {
                number: method.number,
                method: &method.name,
                template: &path.template,
                kind: method.kind,
                rule: &method.rule,
            })
        })
    }

    /// Returns every limit, in the order of its number.
    pub fn limits(&self) -> impl Iterator<Item = (LimitId, &LimitSpec)> {
        self.limits
            .iter()
            .enumerate()
            .map(|(index, spec)| (LimitId(index), spec))
    }
}

impl Path {
    fn method(&self, name: &str) -> Option<&Method> {
        let find = |name| self.methods.iter().find(|method| method.name == name);
        find(name).or_else(|| if name == "HEAD" { find("GET") } else { None })
    }

    fn kind(&self) -> RouteKind {
        self.methods
            .first()
            .map_or(RouteKind::default(), |method| method.kind)
    }
}

#[cfg(test)]
mod tests;
