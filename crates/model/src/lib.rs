//! The nouns of Vestibule and the transitions they allow.
//!
//! This crate does no input and no output: time and randomness come in as [`Clock`] and
//! [`Entropy`], the store and the network are not known here. The same noun has the same file
//! name on every tier above (`api_key.rs` in `store`, `accounts` and `api`).

// Every request passes through this code: a panic in it is an outage.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod api_key;
pub mod attempt;
pub mod audit;
pub mod capability;
pub mod change;
pub mod clock;
pub mod connection;
pub mod digest;
pub mod domain;
pub mod email;
pub mod entropy;
pub mod grant;
pub mod group;
pub mod id;
pub mod identity;
pub mod invalid;
pub mod membership;
pub mod name;
pub mod network;
pub mod organization;
pub mod path;
pub mod plan;
pub mod principal;
pub mod redirect_uri;
pub mod role;
pub mod scope;
pub mod session;
pub mod user;
pub mod web_origin;

pub use api_key::ApiKey;
pub use attempt::SsoAttempt;
pub use audit::{Actor, ActorKind, AuditRecord};
pub use capability::Capability;
pub use change::Change;
pub use clock::{BootTime, Clock, Lease, Moment, ProcessClock, SystemClock, Timestamp};
pub use connection::{
    ClaimNames, ClientAuthMethod, ConnectionSettings, SsoConnection, SsoProtocol,
};
pub use digest::Digest;
pub use domain::{DomainName, SsoDomain};
pub use email::Email;
pub use entropy::{Entropy, OsEntropy};
pub use grant::{Grant, GrantHolder};
pub use group::Group;
pub use id::{
    ApiKeyId, AttemptId, AuditId, ConnectionId, DomainId, GrantId, GroupId, OrganizationId,
    RedirectUriId, ResourceChangeId, SessionId, SigningKeyId, UserId,
};
pub use identity::SsoIdentity;
pub use invalid::Invalid;
pub use membership::Membership;
pub use name::Name;
pub use network::Network;
pub use organization::Organization;
pub use path::ResourcePath;
pub use plan::{Plan, PlanName, Plans};
pub use principal::{CredentialRef, HeldGrant, Principal};
pub use redirect_uri::{RedirectUri, RegisteredRedirectUri};
pub use role::Role;
pub use scope::OrgScope;
pub use session::Session;
pub use user::User;
pub use web_origin::{OriginError, WebOrigin};
