//! How often one user may do on the pages what costs a write each time. The same limits stand in
//! the API; equal ones are counted together, wherever the request comes in.

use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_policy::rule::{LimitPer, LimitSpec};

/// Making API keys.
pub(crate) const NEW_API_KEYS: LimitSpec = per_user("new_api_keys", 600);

/// Giving and taking permissions.
pub(crate) const PERMISSION_CHANGES: LimitSpec = per_user("permission_changes", 300);

const fn per_user(name: &'static str, a_minute: u32) -> LimitSpec {
    LimitSpec {
        name,
        per: LimitPer::User,
        count: match NonZeroU32::new(a_minute) {
            Some(count) => count,
            None => NonZeroU32::MIN,
        },
        window: Duration::from_secs(60),
    }
}
