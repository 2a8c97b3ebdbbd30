//! Limits on the API keys that one user has, and creates.

use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_model::{Timestamp, UserId};
use vestibule_store::Write;

use crate::{Accounts, Caller, Error, Result};

/// The most keys of one user in one organisation, those that have expired among them.
const MAX_KEYS: u32 = 100;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Accounts {
    /// Refuses one more key to a user who has as many as one may have, or who has created as many
    /// in the last 24 hours as one may create. Under the organisation's lock.
    ///
    /// Revoked keys are kept for 90 days, so that without the second limit one user could fill the
    /// store. It counts the user's keys of all organisations, whose lock this transaction does not
    /// hold; but it holds the user, who is the caller. The operator is exempt: whoever repairs
    /// what a stolen key has done must be able to create the next one.
    pub(super) async fn keep_key_allowance(
        &self,
        write: &mut Write,
        caller: &Caller,
        owner: UserId,
        now: Timestamp,
    ) -> Result<()> {
        let keys = write
            .count_api_keys(caller.scope(), owner, MAX_KEYS)
            .await?;
        if keys >= u64::from(MAX_KEYS) {
            return Err(Error::conflict(
                "too_many_keys",
                format!(
                    "There are {MAX_KEYS} keys already, counting those that have expired, which \
                     is the limit; delete one first."
                ),
            ));
        }
        if caller.permit().is_none() {
            return Ok(());
        }
        let max = self.0.api_keys_per_day;
        let oldest = write.nth_newest_api_key(owner, now.before(DAY), max.get() - 1);
        match oldest.await? {
            None => Ok(()),
            Some(oldest) => Err(too_many_new_keys(max, oldest, now)),
        }
    }
}

/// `oldest` is the time of the key that makes room when it is a day old.
fn too_many_new_keys(max: NonZeroU32, oldest: Timestamp, now: Timestamp) -> Error {
    let room_at = oldest.after(DAY);
    Error::TooManyNewKeys {
        max: max.get(),
        window: DAY,
        // A key may be dated in the future, by a clock that was ahead.
        retry_after: room_at.since(now).min(DAY),
    }
}
