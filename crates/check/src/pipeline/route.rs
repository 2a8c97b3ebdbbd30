//! What the rule table says of a request.

use std::sync::Arc;

use vestibule_policy::RuleTable;
use vestibule_policy::rule::{Access, Dialect, Rule};
use vestibule_policy::table::{Found, Params};

use crate::cache::Entry;
use crate::denial::{Cause, Denial};
use crate::head::RequestHead;
use crate::verdict::Passed;

/// What the rule table says of a request's method and path, and how to speak about it.
pub(super) struct Route<'t, 'h> {
    pub(super) found: Found<'t, 'h>,
    pub(super) dialect: Dialect,
}

impl<'t, 'h> Route<'t, 'h> {
    #[inline]
    pub(super) fn find(table: &'t RuleTable, head: &RequestHead<'h>) -> Self {
        let found = table.find(head.method.as_str(), head.path);
        let dialect = match found {
            Found::Rule { dialect, .. } | Found::OtherMethod { dialect, .. } => dialect,
            Found::Nothing => table.dialect_of(head.path),
        };
        Self { found, dialect }
    }

    /// What is not in the table is for known callers only: a stranger learns nothing of it, but
    /// that a path that is public has no such method.
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

    /// That a request may go on to this route.
    #[inline] // or else what it gives, which is large, is copied once more
    pub(super) fn passed(&self, caller: Option<Arc<Entry>>, judged_at: u64) -> Passed {
        let (caller, body_bytes) = match self.found {
            Found::Rule { rule, number, .. } => (
                caller.map(|caller| (caller, number)),
                rule.most_body_bytes(),
            ),
            Found::OtherMethod { .. } | Found::Nothing => (None, 0),
        };
        Passed::new(caller, self.dialect, judged_at, body_bytes)
    }

    pub(super) fn denial(&self, cause: Cause) -> Denial {
        Denial::of(self.dialect, cause)
    }
}
