//! The parameters of a path.

/// The parameters that a route's template found in a path, still percent-encoded.
#[derive(Debug, Clone, Default)]
pub struct Params<'t, 'p>(pub(crate) matchit::Params<'t, 'p>);

impl<'p> Params<'_, 'p> {
    /// Returns the parameter of this name, as it stands in the path.
    pub fn get(&self, name: &str) -> Option<&'p str> {
        self.0.get(name)
    }

    /// Returns all parameters, in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'p str)> {
        self.0.iter()
    }
}
