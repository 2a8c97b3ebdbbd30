//! Conditions of a list, with what the caller may see among them: a list is filtered in its query,
//! so that its pages are full and its total is right.

use std::collections::BTreeSet;

use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use uuid::Uuid;
use vestibule_layer::Visible;
use vestibule_layer::model::ResourcePath;

use crate::list::Span;
use crate::node::Kind;

/// Conditions that all have to hold. Values are bound, never written into the text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    sql: String,
    values: Vec<String>,
}

impl Filter {
    /// Adds a condition: the value stands between each two of these texts.
    pub(crate) fn and(&mut self, condition: &[&'static str], value: &str) {
        let parameter = self.value(value);
        let condition = condition.join(&parameter);
        self.and_text(&condition);
    }

    fn and_text(&mut self, condition: &str) {
        if !self.sql.is_empty() {
            self.sql.push_str(" AND ");
        }
        self.sql.push_str(condition);
    }

    fn value(&mut self, value: &str) -> String {
        self.values.push(value.to_owned());
        format!("${}", self.values.len())
    }

    /// Adds the two ends of a span of time.
    pub(crate) fn and_within(&mut self, column: &'static str, span: Span) {
        for (moment, holds) in [(span.after, ">="), (span.before, "<")] {
            if let Some(moment) = moment {
                let value = self.value(&moment.as_micros().to_string());
                self.and_text(&format!("{column} {holds} CAST({value} AS BIGINT)"));
            }
        }
    }

    /// Adds that the path is one of these.
    pub(crate) fn and_any_path<'p>(&mut self, paths: impl IntoIterator<Item = &'p ResourcePath>) {
        let parameters: Vec<String> = paths
            .into_iter()
            .map(|path| self.value(path.as_str()))
            .collect();
        if parameters.is_empty() {
            self.and_text("1 = 0");
        } else {
            self.and_text(&format!("path IN ({})", parameters.join(", ")));
        }
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// The number of bound values.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn bind<'q>(
        &self,
        query: Query<'q, Any, AnyArguments>,
    ) -> Query<'q, Any, AnyArguments> {
        self.values
            .iter()
            .fold(query, |query, value| query.bind(value.clone()))
    }

    /// The children of a folder that the caller may see. Of folders also those that only lead down
    /// to something visible.
    pub(crate) fn children(kind: Kind, id: Uuid, path: &ResourcePath, visible: &Visible) -> Self {
        let mut filter = Self::default();
        filter.and(&["parent_id = ", ""], &id.to_string());
        if let Some(paths) = steps(kind, path, visible) {
            filter.and_any_path(&paths);
        }
        filter
    }

    /// The folders at the root. The one with all members' homes is left out; the caller's own home
    /// stands in its place.
    pub(crate) fn roots(users: &ResourcePath, home: &ResourcePath, visible: &Visible) -> Self {
        let mut filter = Self::default();
        let users = filter.value(users.as_str());
        let own = filter.value(home.as_str());
        filter.and_text(&format!(
            "((parent_id IS NULL AND path <> {users}) OR path = {own})"
        ));
        if let Some(mut paths) = steps(Kind::Folder, &ResourcePath::root(), visible) {
            if visible.includes(home) {
                paths.insert(home.clone());
            }
            filter.and_any_path(&paths);
        }
        filter
    }

    /// Everything in the organisation that the caller may read.
    pub(crate) fn anywhere(visible: &Visible) -> Self {
        let mut filter = Self::default();
        match visible {
            Visible::Everything => {}
            Visible::Under(prefixes) if prefixes.is_empty() => filter.and_text("1 = 0"),
            Visible::Under(prefixes) => {
                let each: Vec<String> = prefixes
                    .iter()
                    .map(|prefix| {
                        let value = filter.value(prefix.as_str());
                        format!(
                            "path = {value} \
                             OR SUBSTR(path, 1, LENGTH({value}) + 1) = {value} || '/'"
                        )
                    })
                    .collect();
                filter.and_text(&format!("({})", each.join(" OR ")));
            }
        }
        filter
    }
}

/// Returns the children of `parent` that the caller may see; `None` for all of them. What a prefix
/// below the parent allows starts at one child: the prefix itself, or the folder that leads to it.
fn steps(kind: Kind, parent: &ResourcePath, visible: &Visible) -> Option<BTreeSet<ResourcePath>> {
    let Visible::Under(prefixes) = visible else {
        return None;
    };
    if visible.includes(parent) {
        return None;
    }
    let steps = prefixes
        .iter()
        .filter(|prefix| parent.covers(prefix))
        .filter_map(|prefix| child_towards(parent, prefix))
        .filter(|child| kind == Kind::Folder || prefixes.contains(child))
        .collect();
    Some(steps)
}

/// The child of `parent` on the way to what lies below.
fn child_towards(parent: &ResourcePath, below: &ResourcePath) -> Option<ResourcePath> {
    let mut at = below.clone();
    while let Some(above) = at.parent() {
        if above == *parent {
            return Some(at);
        }
        at = above;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ResourcePath {
        text.parse().unwrap()
    }

    fn steps_to(kind: Kind, parent: &str, prefixes: &[&str]) -> Option<Vec<String>> {
        let visible = Visible::Under(prefixes.iter().map(|text| path(text)).collect());
        steps(kind, &path(parent), &visible)
            .map(|paths| paths.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_folder_that_leads_to_something_visible_is_listed_and_its_siblings_are_not() {
        let prefixes = ["/shared/eng/specs", "/shared/ops", "/users/abc"];
        assert_eq!(
            steps_to(Kind::Folder, "/", &prefixes).unwrap(),
            ["/shared", "/users"]
        );
        assert_eq!(
            steps_to(Kind::Folder, "/shared", &prefixes).unwrap(),
            ["/shared/eng", "/shared/ops"]
        );
        assert_eq!(
            steps_to(Kind::Folder, "/shared/engineering", &prefixes).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_document_is_listed_only_where_it_is_visible_itself() {
        let prefixes = ["/shared/eng/specs", "/shared/ops"];
        assert_eq!(
            steps_to(Kind::Document, "/shared", &prefixes).unwrap(),
            ["/shared/ops"]
        );
    }

    #[test]
    fn below_a_visible_folder_nothing_is_left_out() {
        assert_eq!(steps_to(Kind::Folder, "/shared/eng", &["/shared"]), None);
        assert_eq!(steps_to(Kind::Folder, "/shared", &["/shared"]), None);
    }
}
