//! `/api`

mod auth;
