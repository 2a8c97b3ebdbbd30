//! What every page needs.

use std::sync::Arc;

use vestibule_accounts::Accounts;
use vestibule_federation::Sso;
use vestibule_http::SessionCookie;
use vestibule_model::{Clock, Timestamp};

use crate::look::Look;
use crate::sample::SampleLists;

/// The parts that the pages are made from.
pub struct WebParts {
    /// All operations.
    pub accounts: Accounts,
    /// Single sign-on; its pages answer 404 where it is `None`.
    pub sso: Option<Sso>,
    /// The URL by which browsers call this server, such as `https://auth.example.com`.
    pub public_url: String,
    /// The name of the session cookie.
    pub cookie: SessionCookie,
    /// The look of the pages.
    pub look: Look,
    /// The lists of the sample API, where it is served.
    pub sample: Option<Arc<dyn SampleLists>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// The state of all pages. Cloning is cheap.
#[derive(Clone)]
pub struct Web(Arc<WebParts>);

impl Web {
    /// The pages of these parts.
    pub fn new(parts: WebParts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    pub(crate) fn sso(&self) -> Option<&Sso> {
        self.0.sso.as_ref()
    }

    pub(crate) fn cookie(&self) -> &SessionCookie {
        &self.0.cookie
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.0.public_url
    }

    pub(crate) fn look(&self) -> &Look {
        &self.0.look
    }

    pub(crate) fn sample(&self) -> Option<&Arc<dyn SampleLists>> {
        self.0.sample.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}
