//! How every page looks: the brand, and the files that go with it.

use std::sync::Arc;

use crate::assets::Assets;
use crate::brand::Brand;

/// The look of all pages. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Look(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    brand: Brand,
    assets: Assets,
}

impl Look {
    /// The look of a brand.
    pub fn new(brand: Brand) -> Self {
        let assets = Assets::new(&brand);
        Self(Arc::new(Inner { brand, assets }))
    }

    pub(crate) fn assets(&self) -> &Assets {
        &self.0.assets
    }

    /// The name of the product.
    pub(crate) fn brand(&self) -> &str {
        self.0.brand.name()
    }

    pub(crate) fn css(&self) -> &str {
        self.0.assets.css()
    }

    pub(crate) fn icon(&self) -> &str {
        self.0.assets.icon()
    }

    pub(crate) fn logo(&self) -> Option<&str> {
        self.0.assets.logo()
    }

    pub(crate) fn script(&self) -> &str {
        self.0.assets.script()
    }

    pub(crate) fn htmx(&self) -> &str {
        self.0.assets.htmx()
    }
}

impl Default for Look {
    fn default() -> Self {
        Self::new(Brand::default())
    }
}
