//! The entry of the rule table that a request is judged by.

use std::sync::Arc;

use vestibule_policy::Params;
use vestibule_policy::RouteKind;
use vestibule_policy::rule::{Access, Rule};
use vestibule_policy::table::Found;

use crate::cache::Entry;
use crate::denial::{Cause, Denial};
use crate::head::RequestHead;
use crate::rules::Rules;
use crate::verdict::Passed;

/// The entry of the rule table for a request's method and path, and the kind of the path.
pub(super) struct Route<'t, 'h> {
    rules: &'t Arc<Rules>,
    found: Found<'t, 'h>,
    pub(super) kind: RouteKind,
}

impl<'t, 'h> Route<'t, 'h> {
    #[inline]
    pub(super) fn find(rules: &'t Arc<Rules>, head: &RequestHead<'h>) -> Self {
        let found = rules.table.find(head.method.as_str(), head.path);
        let kind = match found {
            Found::Rule { kind, .. } | Found::OtherMethod { kind, .. } => kind,
            Found::Nothing => rules.table.kind_of(head.path),
        };
        Self { rules, found, kind }
    }

    /// Returns the access that the route allows. A path that is not in the table is for known callers
    /// only: strangers learn nothing of it, but that a public path has no such method.
    pub(super) fn access(&self) -> Access {
        match self.found {
            Found::Rule { rule, .. } => rule.access(),
            Found::OtherMethod { all_public, .. } if all_public => Access::Public,
            Found::OtherMethod { .. } | Found::Nothing => Access::SignedIn,
        }
    }

    /// The rule, and the parameters of its path, where there is one.
    pub(super) fn rule(&self) -> Result<(&'t Rule, &Params<'t, 'h>), Cause> {
        match &self.found {
            Found::Rule { rule, params, .. } => Ok((rule, params)),
            Found::OtherMethod { allowed, .. } => Err(Cause::Method {
                allowed: (*allowed).into(),
            }),
            Found::Nothing => Err(Cause::NoRoute),
        }
    }

    /// The template of the path; empty where there is no such route.
    pub(super) fn template(&self) -> &str {
        match self.found {
            Found::Rule { template, .. } => template,
            Found::OtherMethod { .. } | Found::Nothing => "",
        }
    }

    /// Returns the verdict that lets a request go on to this route.
    #[inline] // or else what it gives, which is large, is copied once more
    pub(super) fn passed(
        &self,
        head: &RequestHead<'_>,
        caller: Option<Arc<Entry>>,
        judged_at: u64,
    ) -> Passed {
        let (caller, body_bytes) = match self.found {
            Found::Rule { rule, number, .. } => {
                (caller.zip(self.rules.name(number)), rule.most_body_bytes())
            }
            Found::OtherMethod { .. } | Found::Nothing => (None, 0),
        };
        // Not for the others: every request of every core would count references at one address.
        let rules = head.has_body.then(|| Arc::clone(self.rules));
        Passed::new(caller, self.kind, judged_at, rules, body_bytes)
    }

    pub(super) fn denial(&self, cause: Cause) -> Denial {
        Denial::of(self.kind, cause)
    }
}
