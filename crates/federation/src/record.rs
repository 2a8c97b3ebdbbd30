//! Records of attempts to sign in, and test sign-ins.

pub(crate) mod attempt;
pub(crate) mod report;
mod trial;
