//! What a browser brings back, and how it goes on.

use vestibule_accounts::{CookieSignIn, Error, RequestSource, SignedIn, TokenSignIn};
use vestibule_model::{ConnectionId, Digest, SsoIdentity};
use zeroize::Zeroizing;

use crate::TestReport;

/// What the browser brings back.
#[derive(Clone, Copy)]
pub struct CallbackRequest<'a> {
    /// The connection whose callback was called.
    pub connection: ConnectionId,
    /// The query, without its `?`.
    pub query: &'a str,
    /// The value of the binding cookie.
    pub binding: Option<&'a str>,
    /// The browser's cookies of each sign-in: [`CarriedSignIn`](crate::CarriedSignIn)'s name and
    /// value.
    pub carried: &'a [(&'a str, &'a str)],
    /// The session cookies that the browser has: a new one takes the place of their sessions.
    pub sessions: &'a [Digest],
    /// Where the call comes from.
    pub origin: &'a RequestSource,
}

/// Prints no code and no secret.
impl std::fmt::Debug for CallbackRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackRequest")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// How the browser goes on.
#[derive(Debug)]
pub enum Arrived {
    /// Back to the application.
    Redirect {
        /// Where, with the token in the fragment or a code in the query. Not for logs or caches.
        location: Location,
        /// Who signed in, where the session has begun; with a code it begins at the exchange.
        signed_in: Option<SignedIn>,
    },
    /// To a page of this server, with a session cookie.
    Browser {
        /// The page.
        path: String,
        /// The session.
        sign_in: CookieSignIn,
    },
    /// Nowhere: this is the answer.
    Json(TokenSignIn),
    /// Nobody signed in: this is what would have happened.
    Tested(Box<TestReport>),
    /// The signed-in user is linked with the person of the provider.
    Linked {
        /// The page to go on with.
        path: String,
        /// The link.
        identity: SsoIdentity,
    },
}

/// A URL that holds a token or a code. Wiped when dropped, never printed.
pub struct Location(pub(crate) Zeroizing<String>);

impl Location {
    /// The URL, for the one header that hands it over.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Location(…)")
    }
}

/// Why nobody came in, and where the application wants to hear of it.
#[derive(Debug)]
pub struct ArrivalFailure {
    /// Why.
    pub error: Error,
    /// The redirect URI with `error` (RFC 6749, 4.1.2.1) and `error_description`, where the
    /// sign-in was begun by an application.
    pub location: Option<String>,
}

impl From<Error> for ArrivalFailure {
    fn from(error: Error) -> Self {
        Self {
            error,
            location: None,
        }
    }
}
