//! Stylesheet, scripts and pictures, each under a name that changes with its content.

use bytes::Bytes;
use vestibule_model::Digest;

use crate::brand::Brand;

const CSS: &str = include_str!("../assets/app.css");
const SCRIPT: &str = include_str!("../assets/app.js");
/// As published by its authors; its licence stands beside it.
const HTMX: &str = include_str!("../assets/vendor/htmx-2.0.11.min.js");

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file, as the browser gets it.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    /// Its path.
    path: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, bytes: Bytes) -> Self {
        use std::fmt::Write as _;
        let digest = Digest::of(&bytes);
        let mut hash = String::new();
        for byte in digest.as_bytes().iter().take(8) {
            let _ = write!(hash, "{byte:02x}");
        }
        Self {
            path: format!("/assets/{name}-{hash}.{extension}"),
            content_type,
            bytes,
        }
    }
}

/// All files. What they hold is known when the server starts.
#[derive(Debug, Clone)]
pub(crate) struct Assets {
    css: Asset,
    script: Asset,
    htmx: Asset,
    icon: Asset,
    logo: Option<Asset>,
}

impl Assets {
    pub(crate) fn new(brand: &Brand) -> Self {
        let css = format!("{CSS}\n{}", brand.css());
        let svg = "image/svg+xml";
        Self {
            css: Asset::new("app", "css", "text/css; charset=utf-8", css.into()),
            script: Asset::new("app", "js", JAVASCRIPT, SCRIPT.into()),
            htmx: Asset::new("htmx", "js", JAVASCRIPT, HTMX.into()),
            icon: Asset::new("icon", "svg", svg, brand.icon().into()),
            logo: brand.logo().map(|logo| {
                let bytes = logo.bytes.clone();
                Asset::new("logo", logo.extension, logo.content_type, bytes)
            }),
        }
    }

    pub(crate) fn css(&self) -> &str {
        &self.css.path
    }

    pub(crate) fn script(&self) -> &str {
        &self.script.path
    }

    pub(crate) fn htmx(&self) -> &str {
        &self.htmx.path
    }

    pub(crate) fn icon(&self) -> &str {
        &self.icon.path
    }

    pub(crate) fn logo(&self) -> Option<&str> {
        self.logo.as_ref().map(|logo| logo.path.as_str())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Asset> {
        let all = [&self.css, &self.script, &self.htmx, &self.icon];
        all.into_iter()
            .chain(&self.logo)
            .find(|asset| asset.path.strip_prefix("/assets/") == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_brand_has_another_stylesheet_under_another_name() {
        let one = Assets::new(&Brand::default());
        let other = Brand::new("Acme", "#aa0000", None).unwrap();
        let other = Assets::new(&other);
        assert_ne!(one.css(), other.css());
        assert_eq!(one.script(), other.script());
        let name = one.css().strip_prefix("/assets/").unwrap();
        assert!(one.find(name).is_some());
        assert!(other.find(name).is_none());
    }

    #[test]
    fn nothing_in_them_asks_anybody_else() {
        for text in [CSS, SCRIPT, HTMX] {
            assert!(!text.contains("http:") && !text.contains("https:"));
            assert!(!text.contains("@import") && !text.contains("url("));
        }
    }
}
