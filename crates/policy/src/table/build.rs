//! Building of a table: route by route, each checked to fit.

use super::{Method, Path, RouteNumber, RuleTable, TableError};
use crate::kind::RouteKind;
use crate::rule::{Limit, LimitId};
use crate::{Rule, template};

/// A [`RuleTable`] in the making.
#[derive(Debug, Clone, Default)]
pub struct TableBuilder(RuleTable);

impl TableBuilder {
    /// Adds a route. `method` is upper case, as in `GET`; `template` as in `/v1/folders/{id}`; `kind`
    /// an [`Accepts`](crate::Accepts), with a tag where the crate above needs one.
    pub fn add(
        mut self,
        method: &str,
        template: &str,
        kind: impl Into<RouteKind>,
        rule: Rule,
    ) -> Result<Self, TableError> {
        self.0.insert(method, template, kind.into(), rule)?;
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
        // Limits count known callers.
        if demands || !rule.limits.is_empty() {
            return Err("demands of a caller need Rule::signed_in()".to_owned());
        }
    }
    // It is written into the `RateLimit` headers as a string (RFC 9651, 3.3.3) without escapes.
    let is_plain =
        |byte: u8| byte == b' ' || byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    for Limit { spec, .. } in &rule.limits {
        if spec.name.is_empty() || !spec.name.bytes().all(is_plain) {
            let name = &spec.name;
            return Err(format!(
                "the name of a limit must be printable ASCII without quotes: `{name}`"
            ));
        }
    }
    match rule.needs_capability() {
        Some((_, path)) => template::check_path(path, template),
        None => Ok(()),
    }
}

impl RuleTable {
    /// Returns an empty table to add routes to.
    pub fn builder() -> TableBuilder {
        TableBuilder::default()
    }

    fn insert(
        &mut self,
        method: &str,
        template: &str,
        kind: RouteKind,
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
        // Never missing: the index was handed out just now.
        let Some(path) = self.paths.get_mut(index) else {
            return Ok(());
        };
        path.insert(Method {
            name: method.to_owned(),
            kind,
            rule,
            number: RouteNumber(self.routes),
        })?;
        self.routes += 1;
        Ok(())
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
            // At the start alone, and there are few limits: a search costs less than a map.
            let known = self.limits.iter().position(|spec| *spec == limit.spec);
            limit.id = LimitId(known.unwrap_or_else(|| {
                self.limits.push(limit.spec.clone());
                self.limits.len() - 1
            }));
        }
    }
}

impl Path {
    fn insert(&mut self, method: Method) -> Result<(), TableError> {
        if self.methods.iter().any(|other| other.name == method.name) {
            return Err(TableError::Duplicate {
                method: method.name,
                template: self.template.clone(),
            });
        }
        // One route for known callers hides them all: a 405 would tell strangers that the path exists.
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
