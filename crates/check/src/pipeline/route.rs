//! What the rule table says of a request.

use vestibule_policy::RuleTable;
use vestibule_policy::rule::{Access, Dialect, Rule};
use vestibule_policy::table::{Found, Params};

use crate::denial::{Cause, Denial};
use crate::head::RequestHead;
use crate::scheme::Presented;

/// How far a request got before anybody had to be asked who is calling.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation on every request"
)]
pub(super) enum Step<'t, 'h> {
    /// The route asks for no caller and none is known.
    Open(Dialect),
    Caller(Route<'t, 'h>, Presented<'h>),
}

/// What the rule table says of a request's method and path.
pub(super) enum Route<'t, 'h> {
    Known {
        rule: &'t Rule,
        template: &'t str,
        params: Params<'t, 'h>,
        dialect: Dialect,
    },
    OtherMethod {
        allowed: &'t str,
        dialect: Dialect,
    },
    Unknown(Dialect),
}

impl<'t, 'h> Route<'t, 'h> {
    /// Looks the request up; a stranger may learn that a public route has no such method.
    pub(super) fn find(table: &'t RuleTable, head: &RequestHead<'h>) -> Result<Self, Box<Denial>> {
        let route = match table.find(head.method.as_str(), head.path) {
            Found::Rule {
                rule,
                template,
                params,
                dialect,
            } => Self::Known {
                rule,
                template,
                params,
                dialect,
            },
            Found::OtherMethod {
                allowed,
                all_public,
                dialect,
            } => {
                let route = Self::OtherMethod { allowed, dialect };
                if all_public {
                    return Err(route
                        .denial(Cause::Method {
                            allowed: allowed.into(),
                        })
                        .into());
                }
                route
            }
            Found::Nothing => Self::Unknown(table.dialect_of(head.path)),
        };
        Ok(route)
    }

    pub(super) fn dialect(&self) -> Dialect {
        match *self {
            Self::Known { dialect, .. }
            | Self::OtherMethod { dialect, .. }
            | Self::Unknown(dialect) => dialect,
        }
    }

    /// What is not in the table is for known callers only: a stranger learns nothing of it.
    pub(super) fn access(&self) -> Access {
        match self {
            Self::Known { rule, .. } => rule.access(),
            Self::OtherMethod { .. } | Self::Unknown(_) => Access::SignedIn,
        }
    }

    pub(super) fn template(&self) -> &str {
        match self {
            Self::Known { template, .. } => template,
            Self::OtherMethod { .. } | Self::Unknown(_) => "",
        }
    }

    pub(super) fn denial(&self, cause: Cause) -> Denial {
        Denial {
            cause,
            dialect: self.dialect(),
            caller: None,
        }
    }
}
