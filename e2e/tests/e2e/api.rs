//! `/api`: the browser dialect.

mod auth;
mod managed_agents;
