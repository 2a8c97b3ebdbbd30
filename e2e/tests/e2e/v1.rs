//! `/v1`: the bearer dialect.

mod api_keys;
mod auth;
mod documents;
mod folders;
mod narrowed_keys;
mod tenants;
mod user_permissions;
mod users;
