//! The origin of a request that carries no permit.

use std::net::IpAddr;

use vestibule_model::{Actor, ActorKind, UserId};

/// The client and the request behind a call, for limits, audit records and the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestSource {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's id in the log.
    pub request_id: Option<String>,
}

impl RequestSource {
    /// Returns the actor of an audit record: the user, if one is known, without a credential.
    pub fn actor(&self, user_id: Option<UserId>) -> Actor {
        Actor {
            kind: ActorKind::User,
            user_id,
            credential: None,
            address: self.address,
            request_id: self.request_id.clone(),
        }
    }
}
