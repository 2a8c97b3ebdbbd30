//! `/v1`

mod api_keys;
mod auth;
mod sso;
mod tenants;
mod user_permissions;
mod users;
