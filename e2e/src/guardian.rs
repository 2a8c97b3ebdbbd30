//! Programs that must not outlive a test, however it ends.

use std::ffi::OsStr;

/// Runs the program until its own input ends, which comes with the end of the test's process at
/// the latest. Signals from a terminal are for the test alone. The shell gives up its own output, so
/// that whoever reads the program's output sees the end of it when the program ends.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
"$@" </dev/null &
child=$!
exec >/dev/null
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
