//! `[brand]`: the look of the pages.

use vestibule_web::{Brand, BrandError, Logo};

use super::keys::{BRAND_ACCENT, BRAND_LOGO, BRAND_NAME};
use super::reader::Reader;

impl Reader<'_> {
    pub(crate) fn brand(&mut self) -> Option<Brand> {
        let logo = match self.optional(&BRAND_LOGO)? {
            None => None,
            Some(file) => match Logo::new(file.content) {
                Ok(logo) => Some(logo),
                Err(error) => return self.refuse(&BRAND_LOGO, error.to_string()),
            },
        };
        let name = self.get(&BRAND_NAME)?;
        let accent = self.get(&BRAND_ACCENT)?;
        match Brand::new(&name, &accent, logo) {
            Ok(brand) => Some(brand),
            Err(error @ BrandError::Accent) => self.refuse(&BRAND_ACCENT, error.to_string()),
            Err(error) => self.refuse(&BRAND_NAME, error.to_string()),
        }
    }
}
