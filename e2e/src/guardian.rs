//! Programs that must not outlive a test, however it ends.

use std::ffi::OsStr;

/// Runs the program until its own input ends, which comes with the end of the test's process at
/// the latest. Signals from a terminal are for the test alone.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
"$@" </dev/null &
child=$!
cat >/dev/null
kill -9 "$child" 2>/dev/null
wait "$child" 2>/dev/null
"#;

/// The words of a command that runs a program in such a way; its input has to be a pipe, which is
/// dropped to end the program.
pub(crate) fn words(program: &OsStr) -> [&OsStr; 5] {
    [
        "sh".as_ref(),
        "-c".as_ref(),
        SCRIPT.as_ref(),
        "guardian".as_ref(),
        program,
    ]
}
