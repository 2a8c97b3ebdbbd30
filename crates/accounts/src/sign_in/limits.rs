//! How often one may try.

use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_check::Limiter;

/// The limits on attempts to sign in, in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInLimits {
    /// From one address (one /64 of IPv6).
    pub per_address: NonZeroU32,
    /// For one e-mail address, known or not.
    pub per_email: NonZeroU32,
}

impl Default for SignInLimits {
    /// 30 from one address, 10 for one e-mail address.
    fn default() -> Self {
        const fn count(count: u32) -> NonZeroU32 {
            match NonZeroU32::new(count) {
                Some(count) => count,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            per_address: count(30),
            per_email: count(10),
        }
    }
}

impl SignInLimits {
    const WINDOW: Duration = Duration::from_secs(60);

    pub(crate) fn by_address(self) -> Limiter {
        Limiter::new("sign_ins_per_address", self.per_address, Self::WINDOW)
    }

    pub(crate) fn by_email(self) -> Limiter {
        Limiter::new("sign_ins_per_email", self.per_email, Self::WINDOW)
    }
}
