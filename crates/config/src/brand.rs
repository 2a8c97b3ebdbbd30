//! `[brand]`: how the pages look.

use vestibule_web::{Brand, BrandError, Logo};

use super::kind::Raw;
use super::reader::Reader;
use super::sources::Value;

impl Reader<'_> {
    pub(super) fn brand(&mut self) -> Option<Brand> {
        let logo = self.logo("brand.logo")?;
        let name = self.parsed("brand.name", |text, _| Ok(text.to_owned()))?;
        let accent = self.parsed("brand.accent", |text, _| Ok(text.to_owned()))?;
        match Brand::new(&name, &accent, logo) {
            Ok(brand) => Some(brand),
            Err(error @ BrandError::Accent) => self.refuse("brand.accent", error.to_string()),
            Err(error) => self.refuse("brand.name", error.to_string()),
        }
    }

    /// Reads the file, which lies beside the configuration that names it.
    #[expect(
        clippy::option_option,
        reason = "refused, not there, or a picture: three things"
    )]
    fn logo(&mut self, key: &str) -> Option<Option<Logo>> {
        let Some(Value { raw, origin }) = self.value(key) else {
            return Some(None);
        };
        let Raw::Text(file) = raw else {
            return self.refuse(key, "must name a file");
        };
        let file = match origin.base() {
            Some(base) => base.join(file),
            None => file.into(),
        };
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("names {}, which cannot be read: {error}", file.display());
                return self.refuse(key, message);
            }
        };
        match Logo::new(bytes) {
            Ok(logo) => Some(Some(logo)),
            Err(error) => self.refuse(key, error.to_string()),
        }
    }
}
