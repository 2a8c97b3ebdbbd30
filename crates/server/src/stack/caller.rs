//! Tells the log who was let through.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower::Service;
use vestibule_check::Permit;
use vestibule_model::{OrganizationId, UserId};

/// The caller that the check let pass, written behind the check and read by the trace; present only
/// if the log wants it.
#[derive(Debug, Clone, Default)]
pub(super) struct CallerSlot(pub(super) Arc<OnceLock<(UserId, OrganizationId)>>);

/// Stands directly behind the check.
#[derive(Debug, Clone)]
pub(super) struct NoteCaller<S>(pub(super) S);

impl<S> Service<Request> for NoteCaller<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let extensions = request.extensions();
        if let (Some(slot), Some(permit)) = (extensions.get(), extensions.get::<Permit>()) {
            let CallerSlot(slot) = slot;
            let _ = slot.set((permit.user_id(), permit.organization_id()));
        }
        self.0.call(request)
    }
}
