//! The routes and what each demands.
//!
//! The rule table is the route table: what stands not in it is refused. Templates are as axum's,
//! `/v1/folders/{id}` and `/files/{*rest}`, and hold to two rules of their own: a parameter is a
//! whole segment, and what is literal has one spelling only, so that no encoding of a path can
//! miss its rule.

use std::collections::HashMap;

use thiserror::Error;

use crate::rule::{Limit, LimitId, LimitSpec};
use crate::{Dialect, Rule, template};

/// Why a table cannot be built. All of them are mistakes in the program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// The route stands in the table already.
    #[error("{method} {template} is declared twice")]
    Duplicate {
        /// The route's method.
        method: String,
        /// The route's path.
        template: String,
    },
    /// Another template matches the same paths.
    #[error("{template} matches the same paths as {with}")]
    Conflict {
        /// The new one.
        template: String,
        /// The one that stands in the table.
        with: String,
    },
    /// The path template is not one.
    #[error("{template} is not a path template: {message}")]
    Template {
        /// The path as declared.
        template: String,
        /// What is wrong.
        message: String,
    },
    /// The method is not upper-case letters.
    #[error("{method} is not a method")]
    Method {
        /// The method as declared.
        method: String,
    },
    /// The rule's demands do not fit together or not to the path.
    #[error("{method} {template}: {message}")]
    Rule {
        /// The route's method.
        method: String,
        /// The route's path.
        template: String,
        /// What does not fit.
        message: String,
    },
}

/// The parameters that a route's template found in a path, still percent-encoded.
#[derive(Debug, Clone, Default)]
pub struct Params<'t, 'p>(matchit::Params<'t, 'p>);

impl<'p> Params<'_, 'p> {
    /// The parameter of this name, as it stands in the path.
    pub fn get(&self, name: &str) -> Option<&'p str> {
        self.0.get(name)
    }

    /// All parameters, in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'p str)> {
        self.0.iter()
    }
}

/// What the table has for a request.
#[derive(Debug, Clone)]
pub enum Found<'t, 'p> {
    /// A route.
    Rule {
        /// What it demands.
        rule: &'t Rule,
        /// Its path as declared.
        template: &'t str,
        /// What its parameters are in this path.
        params: Params<'t, 'p>,
        /// How it speaks.
        dialect: Dialect,
    },
    /// The path is known, for other methods: a 405.
    OtherMethod {
        /// The methods there are, as `Allow` lists them.
        allowed: &'t str,
        /// Whether all of them are open to strangers, who may then know of the path.
        all_public: bool,
        /// How the path's routes speak.
        dialect: Dialect,
    },
    /// No such path.
    Nothing,
}

/// One declared route.
#[derive(Debug, Clone, Copy)]
pub struct Route<'t> {
    /// The method.
    pub method: &'t str,
    /// The path as declared.
    pub template: &'t str,
    /// How it speaks.
    pub dialect: Dialect,
    /// What it demands.
    pub rule: &'t Rule,
}

/// All routes and what each demands.
#[derive(Debug, Clone, Default)]
pub struct RuleTable {
    router: matchit::Router<usize>,
    paths: Vec<Path>,
    by_template: HashMap<String, usize>,
    limits: Vec<LimitSpec>,
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
    dialect: Dialect,
    rule: Rule,
}

impl RuleTable {
    /// An empty table to add routes to.
    pub fn builder() -> TableBuilder {
        TableBuilder::default()
    }

    /// What the table has for a method and a [canonical](crate::target::canonical) path.
    ///
    /// Allocates nothing while a path has at most three parameters. `HEAD` is answered by the rule
    /// of `GET` where it has none of its own, as axum's routing does.
    pub fn find<'t, 'p>(&'t self, method: &str, path: &'p str) -> Found<'t, 'p> {
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
                dialect: found.dialect,
            },
            None => Found::OtherMethod {
                allowed: &entry.allowed,
                all_public: entry.all_public,
                dialect: entry.dialect(),
            },
        }
    }

    /// How to speak about a path that is not in the table: as the routes that share its first
    /// segment do, else as [`Dialect::Bearer`].
    pub fn dialect_of(&self, path: &str) -> Dialect {
        fn first(path: &str) -> Option<&str> {
            path.split('/').nth(1)
        }
        self.paths
            .iter()
            .find(|entry| first(&entry.template) == first(path))
            .map_or(Dialect::Bearer, Path::dialect)
    }

    /// Every route, in the order of declaration by path.
    pub fn routes(&self) -> impl Iterator<Item = Route<'_>> {
        self.paths.iter().flat_map(|path| {
            path.methods.iter().map(|method| Route {
                method: &method.name,
                template: &path.template,
                dialect: method.dialect,
                rule: &method.rule,
            })
        })
    }

    /// Every limit, in the order of its number.
    pub fn limits(&self) -> impl Iterator<Item = (LimitId, &LimitSpec)> {
        self.limits
            .iter()
            .enumerate()
            .map(|(index, spec)| (LimitId(index), spec))
    }

    /// This table with the routes of another. The limits of this one keep their numbers.
    pub fn merge(self, other: Self) -> Result<Self, TableError> {
        let mut merged = self;
        for path in other.paths {
            for method in path.methods {
                merged.insert(&method.name, &path.template, method.dialect, method.rule)?;
            }
        }
        Ok(merged)
    }

    fn insert(
        &mut self,
        method: &str,
        template: &str,
        dialect: Dialect,
        mut rule: Rule,
    ) -> Result<(), TableError> {
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(TableError::Method {
                method: method.to_owned(),
            });
        }
        check_template(template)?;
        check_rule(&rule, template).map_err(|message| TableError::Rule {
            method: method.to_owned(),
            template: template.to_owned(),
            message,
        })?;
        let index = self.path_index(template)?;
        self.number(&mut rule.limits);
        // The index was handed out just now.
        let Some(path) = self.paths.get_mut(index) else {
            return Ok(());
        };
        path.insert(Method {
            name: method.to_owned(),
            dialect,
            rule,
        })
    }

    /// The place of a template, made where there is none.
    fn path_index(&mut self, template: &str) -> Result<usize, TableError> {
        if let Some(index) = self.by_template.get(template) {
            return Ok(*index);
        }
        let index = self.paths.len();
        self.router
            .insert(template, index)
            .map_err(|error| match error {
                matchit::InsertError::Conflict { with } => TableError::Conflict {
                    template: template.to_owned(),
                    with,
                },
                other => TableError::Template {
                    template: template.to_owned(),
                    message: other.to_string(),
                },
            })?;
        self.by_template.insert(template.to_owned(), index);
        self.paths.push(Path {
            template: template.to_owned(),
            methods: Vec::new(),
            allowed: String::new(),
            all_public: true,
        });
        Ok(index)
    }

    fn number(&mut self, limits: &mut [Limit]) {
        for limit in limits {
            let known = self.limits.iter().position(|spec| *spec == limit.spec);
            limit.id = LimitId(known.unwrap_or_else(|| {
                self.limits.push(limit.spec);
                self.limits.len() - 1
            }));
        }
    }
}

impl Path {
    fn method(&self, name: &str) -> Option<&Method> {
        let find = |name| self.methods.iter().find(|method| method.name == name);
        find(name).or_else(|| if name == "HEAD" { find("GET") } else { None })
    }

    fn dialect(&self) -> Dialect {
        self.methods
            .first()
            .map_or(Dialect::Bearer, |method| method.dialect)
    }

    fn insert(&mut self, method: Method) -> Result<(), TableError> {
        if self.methods.iter().any(|other| other.name == method.name) {
            return Err(TableError::Duplicate {
                method: method.name,
                template: self.template.clone(),
            });
        }
        self.all_public &= method.rule.is_open();
        self.methods.push(method);
        let mut names: Vec<&str> = Vec::new();
        for method in &self.methods {
            names.push(&method.name);
            if method.name == "GET" {
                names.push("HEAD");
            }
        }
        names.sort_unstable();
        names.dedup();
        self.allowed = names.join(", ");
        Ok(())
    }
}

/// A [`RuleTable`] in the making.
#[derive(Debug, Clone, Default)]
pub struct TableBuilder(RuleTable);

impl TableBuilder {
    /// Adds a route. `method` is upper case, as in `GET`; `template` as in `/v1/folders/{id}`.
    pub fn add(
        mut self,
        method: &str,
        template: &str,
        dialect: Dialect,
        rule: Rule,
    ) -> Result<Self, TableError> {
        self.0.insert(method, template, dialect, rule)?;
        Ok(self)
    }

    /// The table.
    pub fn build(self) -> RuleTable {
        self.0
    }
}

fn check_template(template: &str) -> Result<(), TableError> {
    template::segments(template)
        .map(drop)
        .map_err(|message| TableError::Template {
            template: template.to_owned(),
            message: message.to_owned(),
        })
}

fn check_rule(rule: &Rule, template: &str) -> Result<(), String> {
    if rule.is_open() {
        let demands = rule.role.is_some()
            || rule.feature.is_some()
            || rule.capability.is_some()
            || rule.bearer_only
            || rule.not_by_key;
        let per_caller = rule
            .limits
            .iter()
            .any(|limit| limit.spec.per != crate::LimitPer::Address);
        if demands || per_caller {
            return Err("demands of a caller need Rule::signed_in()".to_owned());
        }
    }
    match rule.needs_capability() {
        Some((_, path)) => template::check_path(path, template),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
