//! How the operator's product looks: a name, a colour, a logo.

mod colour;

use bytes::Bytes;

use colour::Colour;

/// The longest name, in characters.
const LONGEST_NAME: usize = 60;
/// The largest logo, in bytes.
const LARGEST_LOGO: usize = 256 * 1024;

/// The reasons why a brand is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrandError {
    /// The name.
    #[error("must be a name of 1 to 60 characters, without control characters")]
    Name,
    /// The accent colour.
    #[error("must be a colour of six hexadecimal digits, such as #1d6b57")]
    Accent,
    /// The logo.
    #[error("must be an SVG, PNG or WebP picture of at most 256 KiB")]
    Logo,
}

/// A picture, as the browser gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: &'static str,
    pub(crate) extension: &'static str,
}

impl Logo {
    /// A picture, told by its first bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, BrandError> {
        let bytes = bytes.into();
        let head = &bytes[..bytes.len().min(512)];
        let text = head.trim_ascii_start();
        let (content_type, extension) = if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            ("image/png", "png")
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            ("image/webp", "webp")
        } else if text.starts_with(b"<svg") || text.starts_with(b"<?xml") {
            ("image/svg+xml", "svg")
        } else {
            return Err(BrandError::Logo);
        };
        if bytes.len() > LARGEST_LOGO {
            return Err(BrandError::Logo);
        }
        Ok(Self {
            bytes,
            content_type,
            extension,
        })
    }
}

/// The look of the operator's product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    name: String,
    accent: Colour,
    logo: Option<Logo>,
}

impl Brand {
    /// The accent colour where none is configured.
    pub const ACCENT: &str = "#1d6b57";
    /// The name where none is configured.
    pub const NAME: &str = "Vestibule";

    /// A brand of a name, an accent colour as `#1d6b57`, and perhaps a logo. Whatever the colour,
    /// text in it and on it can be read: it is darkened or lightened where it must be.
    pub fn new(name: &str, accent: &str, logo: Option<Logo>) -> Result<Self, BrandError> {
        let name = name.trim();
        let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            return Err(BrandError::Name);
        }
        Ok(Self {
            name: name.to_owned(),
            accent: Colour::parse(accent).ok_or(BrandError::Accent)?,
            logo,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn logo(&self) -> Option<&Logo> {
        self.logo.as_ref()
    }

    /// The accent where the page is white, and where it is dark.
    fn accents(&self) -> (Colour, Colour) {
        (
            self.accent.readable_on(Colour::LIGHT_SURFACE),
            self.accent.readable_on(Colour::DARK_SURFACE),
        )
    }

    /// The end of the stylesheet, with the tokens that the brand decides.
    pub(crate) fn css(&self) -> String {
        let (light, dark) = self.accents();
        format!(
            ":root{{--accent:{light}}}\n@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n"
        )
    }

    /// The picture in the browser's tab: a doorway.
    pub(crate) fn icon(&self) -> String {
        let (light, dark) = self.accents();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><style>path{{fill:{light}}}\
             @media (prefers-color-scheme:dark){{path{{fill:{dark}}}}}</style>\
             <path fill-rule=\"evenodd\" d=\"M5 30V14a11 11 0 0 1 22 0v16zm5-4h12V14a6 6 0 0 0-12 0z\"/></svg>"
        )
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: Self::NAME.to_owned(),
            accent: Colour::DEFAULT,
            logo: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_the_configuration_says_it_is() {
        let written = Brand::new(Brand::NAME, Brand::ACCENT, None);
        assert_eq!(written, Ok(Brand::default()));
    }

    #[test]
    fn a_name_or_a_colour_that_could_break_out_of_its_place_is_refused() {
        let of = |name: &str, accent: &str| Brand::new(name, accent, None);
        assert_eq!(of("", Brand::ACCENT), Err(BrandError::Name));
        assert_eq!(of("a\nb", Brand::ACCENT), Err(BrandError::Name));
        assert_eq!(of("A", "red"), Err(BrandError::Accent));
        assert_eq!(of("A", "#123"), Err(BrandError::Accent));
        assert_eq!(of("A", "#1d6b5}"), Err(BrandError::Accent));
    }

    #[test]
    fn a_logo_is_a_picture_of_a_known_kind() {
        let svg = Logo::new("<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
        assert_eq!(svg.content_type, "image/svg+xml");
        assert_eq!(Logo::new("<html>"), Err(BrandError::Logo));
        let large = format!("<svg>{}", "a".repeat(LARGEST_LOGO));
        assert_eq!(Logo::new(large), Err(BrandError::Logo));
    }
}
