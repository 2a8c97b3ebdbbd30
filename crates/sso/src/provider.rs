//! The interface of a protocol client.

use futures_util::future::BoxFuture;

use crate::callback::Callback;
use crate::check::NamedCheck;
use crate::identity::Identity;
use crate::oidc::logout::{LogoutRequest, LogoutToken};
use crate::refusal::SsoRefusal;
use crate::sign_in::{Pending, ProviderStart, SignInRequest};

/// An identity provider, through one connection of an organisation.
pub trait Provider: Send + Sync + 'static {
    /// Starts a sign-in. Returns the URL for the browser and the state to keep.
    fn start<'a>(
        &'a self,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<ProviderStart, SsoRefusal>>;

    /// Finishes a sign-in with the callback of the browser.
    ///
    /// The caller has found `pending` by its state, has checked that the same browser started it,
    /// and never passes it twice.
    fn finish<'a>(
        &'a self,
        pending: &'a Pending,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Identity, SsoRefusal>>;

    /// Returns the URL that signs the browser out at the provider, or `None` if the provider offers
    /// none.
    fn logout_url<'a>(
        &'a self,
        request: &'a LogoutRequest,
    ) -> BoxFuture<'a, Result<Option<String>, SsoRefusal>>;

    /// Validates a logout token of the provider.
    ///
    /// The caller refuses a `jti` that it has seen.
    fn logout_token<'a>(&'a self, token: &'a str)
    -> BoxFuture<'a, Result<LogoutToken, SsoRefusal>>;

    /// Runs all checks of the connection, bypassing every cache.
    fn preflight(&self) -> BoxFuture<'_, Vec<NamedCheck>>;
}
