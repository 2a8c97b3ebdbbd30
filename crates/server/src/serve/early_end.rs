//! The errors of a server that has ended without being asked to.

use std::path::Path;

use crate::failure::Failure;

pub(super) fn file_lost(file: &Path) -> Failure {
    Failure::failed(format!(
        "The server has ended because {} was replaced or removed while it ran.",
        file.display()
    ))
    .reason("database_replaced")
    .hint(
        "Nothing is answered from a file that nobody else sees. Put the right file in its place, \
         with no server running and without a log (-wal) of another file beside it, and start the \
         server again.",
    )
}

pub(super) fn task_ended(name: &str) -> Failure {
    Failure::failed(format!(
        "The server has ended because one of its tasks did: {name}."
    ))
    .reason("task_ended")
    .hint("The log says why. Start the server again, and please report it.")
}
