//! How often one user may ask for what costs a write of the store, or a question to another machine,
//! each time. The doors set these
//! limits on their routes; equal ones are counted together, whichever door a request comes in by.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_policy::rule::{LimitPer, LimitSpec};

/// Making API keys. A program may give each of its jobs a key of its own and delete it after, ten
/// in a second; that stays far below what the store can write.
pub const NEW_API_KEYS: LimitSpec = per_user("new_api_keys", 600);

/// Renewing access tokens, each of which lives an hour: one a second serves every program that a
/// person may have running.
pub const REFRESHES: LimitSpec = per_user("token_refreshes", 60);

/// Giving, changing and taking permissions, counted together: enough to set up a whole team in one
/// go.
pub const PERMISSION_CHANGES: LimitSpec = per_user("permission_changes", 300);

/// Beginning to link identities, each of which is sealed into a cookie.
pub const SSO_LINKS: LimitSpec = per_user("sso_links", 30);

/// Looking a connection over at its provider, before it is saved and whenever somebody asks: several
/// requests to a machine that is not ours.
pub const SSO_CONNECTION_CHECKS: LimitSpec = per_user("sso_connection_checks", 20);

/// Looking domains up in the DNS. On the pages, what else is done with domains counts, too.
pub const SSO_DOMAIN_CHECKS: LimitSpec = per_user("sso_domain_checks", 10);

/// Beginning test sign-ins, each of which fills the list of attempts once it comes back.
pub const SSO_TEST_SIGN_INS: LimitSpec = per_user("sso_test_sign_ins", 10);

const fn per_user(name: &'static str, a_minute: u32) -> LimitSpec {
    LimitSpec {
        name: Cow::Borrowed(name),
        per: LimitPer::User,
        count: match NonZeroU32::new(a_minute) {
            Some(count) => count,
            None => NonZeroU32::MIN,
        },
        window: Duration::from_secs(60),
    }
}
