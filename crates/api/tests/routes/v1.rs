//! `/v1`

mod api_keys;
mod auth;
mod tenants;
mod user_permissions;
mod users;
