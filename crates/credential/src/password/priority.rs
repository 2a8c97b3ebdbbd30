//! The priority of the hashing threads.

/// Gives the calling thread the nice value `nice`. Where that cannot be done, hashing goes on at
/// the usual priority and says so once.
#[cfg(target_os = "linux")]
pub(super) fn lower(nice: i32) {
    // Linux keeps the nice value per thread, whatever POSIX says of processes.
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), nice) {
        tracing::warn!(%error, nice, "password hashing runs at the usual priority");
    }
}

/// Elsewhere a nice value belongs to the whole process, which must stay quick.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower(nice: i32) {
    tracing::debug!(nice, "no thread priorities on this system");
}
