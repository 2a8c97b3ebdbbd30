//! Values of the kinds that settings have.

use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_check::{CacheBounds, CoreParts};

use super::Reader;
use crate::error::ConfigError;
use crate::kind::Raw;
use crate::settings::Timeouts;
use crate::sources::{Origin, Value};

/// A connection that is kept for longer is not waiting for anything.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

impl Reader<'_> {
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.values.0.get(key)
    }

    pub(crate) fn refuse<T>(&mut self, key: &str, message: impl Into<String>) -> Option<T> {
        let origin = self.values.0.get(key).map(|value| &value.origin);
        self.errors.push(ConfigError::new(key, origin, message));
        None
    }

    pub(crate) fn parsed<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str, &Origin) -> Result<T, String>,
    ) -> Option<T> {
        let read = match self.value(key) {
            Some(Value {
                raw: Raw::Text(text),
                origin,
            }) => read(text, origin),
            _ => Err("is not set".to_owned()),
        };
        read.map_err(|message| self.refuse::<T>(key, message)).ok()
    }

    /// `Some(None)` where there is no value, `None` where it was refused.
    #[expect(
        clippy::option_option,
        reason = "refused, not there, or a value: three things"
    )]
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.value(key) {
            Some(_) => self.parsed(key, |text, _| read(text)).map(Some),
            None => Some(None),
        }
    }

    pub(crate) fn positive(&mut self, key: &str) -> Option<NonZeroU32> {
        let count = match self.value(key)?.raw {
            Raw::Count(count) => u32::try_from(count).ok().and_then(NonZeroU32::new),
            _ => None,
        };
        count.or_else(|| self.refuse(key, "must be a whole number, one or above"))
    }

    /// Reads the number of connections that requests share, where it is set. With fewer than three a list and a
    /// transaction would leave none for the question who is calling.
    #[expect(
        clippy::option_option,
        reason = "outer: whether it could be read; inner: whether it is set"
    )]
    pub(super) fn connections(&mut self) -> Option<Option<NonZeroU32>> {
        const KEY: &str = "store.connections";
        if self.value(KEY).is_none() {
            return Some(None);
        }
        match self.positive(KEY)?.get() {
            3..=1_000 => Some(self.positive(KEY)),
            _ => self.refuse(KEY, "must be from 3 to 1000"),
        }
    }

    /// How many bytes so many MiB of bodies are.
    pub(super) fn body_bytes(&mut self) -> Option<usize> {
        self.mebibytes(
            "server.body_memory_mib",
            CoreParts::LEAST_BODY_BYTES,
            "must be 8 or above: one caller may have an eighth of it, and one body is up to 1 MiB \
             long",
        )
    }

    /// Reads the bounds on what is remembered of callers.
    pub(super) fn cache(&mut self) -> Option<CacheBounds> {
        let entries = self.positive("cache.entries");
        let max_age = self.duration("cache.max_age");
        let bytes = self.mebibytes(
            "cache.memory_mib",
            CacheBounds::LEAST_BYTES,
            "must be 4 or above: a caller with all grants and groups that one may have takes up to \
             3 MiB",
        );
        Some(CacheBounds {
            bytes: bytes?,
            entries: usize::try_from(entries?.get()).unwrap_or(usize::MAX),
            max_age: max_age?,
        })
    }

    fn mebibytes(&mut self, key: &str, least: usize, message: &str) -> Option<usize> {
        let mib = usize::try_from(self.positive(key)?.get()).ok();
        let bytes = mib.and_then(|mib| mib.checked_mul(1024 * 1024));
        let enough = bytes.filter(|bytes| *bytes >= least);
        enough.or_else(|| self.refuse(key, message))
    }

    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        match self.value(key)?.raw {
            Raw::Duration(duration) if !duration.is_zero() => Some(duration),
            _ => self.refuse(key, "must be longer than 0s"),
        }
    }

    /// Reads the time for which a connection may be open without a complete request.
    pub(super) fn timeouts(&mut self) -> Option<Timeouts> {
        let head = self.timeout("server.head_timeout");
        let idle = self.timeout("server.idle_timeout");
        Some(Timeouts {
            head: head?,
            idle: idle?,
        })
    }

    fn timeout(&mut self, key: &str) -> Option<Duration> {
        let timeout = self.duration(key)?;
        if timeout > LONGEST_TIMEOUT {
            return self.refuse(key, "must be 1d or shorter");
        }
        Some(timeout)
    }

    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.value(key)?.raw {
            Raw::Flag(flag) => Some(flag),
            _ => self.refuse(key, "must be true or false"),
        }
    }
}
