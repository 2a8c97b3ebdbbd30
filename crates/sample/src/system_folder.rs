//! The paths of the folders that every organisation has.

use vestibule_layer::model::ResourcePath;

/// Returns the path of the folder that holds the homes of all members.
pub(crate) fn users() -> ResourcePath {
    top("users")
}

/// Returns the path of the folder that an organisation shares.
pub(crate) fn shared() -> ResourcePath {
    top("shared")
}

fn top(name: &str) -> ResourcePath {
    ResourcePath::root()
        .join(name)
        .unwrap_or_else(|_| ResourcePath::root())
}
