//! The demands of a server on its configuration, beyond values that are valid.

use super::assemble::finish;
use super::error::{ConfigError, ConfigErrorCode, ConfigErrors};
use super::keys::{KEYS_MASTER_KEY, SAMPLE_ENABLED, SERVER_ALLOW_READABLE_SECRETS};
use super::plans::{self, PlanNames};
use super::reader::Reader;
use super::secret_files;
use super::settings::{NO_MASTER_KEY, Settings};
use super::values::Values;

impl Settings {
    /// Validates values for a quickstart: plans may only name what `known` returns, which is called
    /// with true if the sample is served.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn for_quickstart(
        values: &Values,
        known: impl FnOnce(bool) -> PlanNames,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(values);
        let settings = reader.settings();
        reader.refuse_unused_plan_names(known);
        finish(settings, reader)
    }

    /// Validates values for `serve`: as for a quickstart, and a master key is needed, and no file
    /// with a secret may be readable for others unless `server.allow_readable_secrets` is set.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn for_server(
        values: &Values,
        known: impl FnOnce(bool) -> PlanNames,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(values);
        let settings = reader.settings();
        reader.refuse_unused_plan_names(known);
        reader.demand_master_key();
        reader.refuse_readable_secrets();
        finish(settings, reader)
    }
}

impl Reader<'_> {
    fn refuse_unused_plan_names(&mut self, known: impl FnOnce(bool) -> PlanNames) {
        let sample = self.raw(&SAMPLE_ENABLED).map(SAMPLE_ENABLED.read);
        // If it is refused, every name of the sample would seem to be unknown.
        if let Some(Ok(sample)) = sample {
            plans::refuse_unused(self.values, &known(sample), &mut self.errors);
        }
    }

    fn demand_master_key(&mut self) {
        let refused = self.values.refused.contains(KEYS_MASTER_KEY.key.name);
        if self.raw(&KEYS_MASTER_KEY).is_none() && !refused {
            self.missing::<_, ()>(&KEYS_MASTER_KEY, NO_MASTER_KEY);
        }
    }

    fn refuse_readable_secrets(&mut self) {
        let allowed = self.raw(&SERVER_ALLOW_READABLE_SECRETS);
        if allowed.is_some_and(|value| (SERVER_ALLOW_READABLE_SECRETS.read)(value) == Ok(true)) {
            return;
        }
        for file in secret_files::exposed(self.values) {
            let code = ConfigErrorCode::ReadableByOthers;
            self.errors.push(
                ConfigError::new(code, file.key, Some(&file.provenance), file.message).hint(
                    format!("{}, or set server.allow_readable_secrets = true", file.hint),
                ),
            );
        }
    }
}
