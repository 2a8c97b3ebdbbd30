//! Sign-in with a provider on a real socket: one that behaves, and one that does not.

mod github;
mod honest;
mod hostile;
mod logout;
mod world;
