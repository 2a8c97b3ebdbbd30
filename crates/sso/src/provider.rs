//! What every protocol offers.

use futures_util::future::BoxFuture;

use crate::callback::Callback;
use crate::check::NamedCheck;
use crate::identity::Identity;
use crate::oidc::logout::{LogoutRequest, LogoutToken};
use crate::refusal::SsoRefusal;
use crate::sign_in::{Pending, ProviderStart, SignInRequest};

/// An identity provider, through one connection of an organisation.
pub trait Provider: Send + Sync + 'static {
    /// Begins a sign-in: where to send the browser, and what to remember.
    fn begin<'a>(
        &'a self,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<ProviderStart, SsoRefusal>>;

    /// Finishes a sign-in with what the browser brought back.
    ///
    /// The caller has found `pending` by the state, has made sure that the same browser began it,
    /// and never passes it twice.
    fn finish<'a>(
        &'a self,
        pending: &'a Pending,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Identity, SsoRefusal>>;

    /// Where to send the browser so that it is signed out at the provider as well; `None` where
    /// the provider has no such place.
    fn logout_url<'a>(
        &'a self,
        request: &'a LogoutRequest,
    ) -> BoxFuture<'a, Result<Option<String>, SsoRefusal>>;

    /// Reads the token by which the provider tells that a session or a person was signed out.
    ///
    /// The caller refuses a `jti` that it has seen before.
    fn logout_token<'a>(&'a self, token: &'a str)
    -> BoxFuture<'a, Result<LogoutToken, SsoRefusal>>;

    /// Looks the connection over, past every cache.
    fn preflight(&self) -> BoxFuture<'_, Vec<NamedCheck>>;
}
