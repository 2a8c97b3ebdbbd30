//! The kind of a route: the credentials it accepts, and a tag for the crates above.

/// The credentials that a route reads, and with them the need for an `Origin`.
///
/// Browsers attach cookies by themselves, also to a request that somebody else's page has made. So
/// a route that reads the session cookie requires that an unsafe request comes from our own origin,
/// unless a bearer identifies the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Accepts {
    /// An API key or access token in `Authorization: Bearer`, and nothing else.
    #[default]
    Bearer,
    /// A bearer, or else the session cookie.
    BearerOrCookie,
    /// The session cookie, and nothing else.
    Cookie,
}

impl Accepts {
    /// Returns true if the session cookie is read, and with it an `Origin` is required of unsafe
    /// requests without a bearer.
    pub const fn reads_cookie(self) -> bool {
        match self {
            Self::Bearer => false,
            Self::BearerOrCookie | Self::Cookie => true,
        }
    }
}

/// A number that the crates above attach to a route and get back with each verdict about it, such
/// as the format of its errors. Nothing here or in the check reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RouteTag(pub u8);

/// The properties that a path has even where none of its routes match: a refusal of an unknown path
/// reads credentials and answers as the routes around it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RouteKind {
    /// The credentials that are read.
    pub accepts: Accepts,
    /// The tag of the crates above.
    pub tag: RouteTag,
}

impl From<Accepts> for RouteKind {
    fn from(accepts: Accepts) -> Self {
        Self {
            accepts,
            tag: RouteTag::default(),
        }
    }
}
