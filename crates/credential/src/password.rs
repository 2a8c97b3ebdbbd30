//! Password hashing with argon2id, on threads of its own.
//!
//! One hash costs 20 ms and 19 MiB. On the runtime's threads it would hold up every request, on
//! its blocking pool a burst of sign-ins would take gigabytes. So there are few threads, at low
//! priority, with memory that goes from hash to hash and is released after a quiet time, and a
//! bounded queue before them: what does not fit is refused at once.

use std::fmt;
use std::future::Future;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;
use vestibule_model::{Entropy, Invalid};
use zeroize::Zeroizing;

mod memory;
mod outcome;
mod phc;
mod priority;

use memory::Memory;
pub use outcome::{HashError, PasswordVerdict};
use phc::{Fresh, Scratch, Stored};

/// About what one hash takes on a core of its own; only the advice in `Busy` rests on it.
const ONE_HASH: Duration = Duration::from_millis(30);

/// The quiet time after which the threads release their memory. Long enough that a steady trickle
/// of sign-ins does not fetch 19 MiB from the system each time, which costs a third of a hash.
const QUIET: Duration = Duration::from_secs(5);

/// A password in clear, 1 to 1,024 bytes. Wiped when dropped, as is every clone; never printed.
#[derive(Clone)]
pub struct PlainPassword(Zeroizing<String>);

impl PlainPassword {
    /// The longest password, in bytes. Hashing costs the same for any length; this bounds what
    /// is copied and kept in the queue.
    pub const MAX_BYTES: usize = 1_024;

    /// The length in characters, for a rule about the least.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl TryFrom<String> for PlainPassword {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        // Wrapped first, so that a refused password is wiped as well.
        let text = Zeroizing::new(text);
        if text.is_empty() {
            return Err(Invalid::new("empty_password", "must not be empty"));
        }
        if text.len() > Self::MAX_BYTES {
            return Err(Invalid::new(
                "password_too_long",
                "must have at most 1024 bytes",
            ));
        }
        Ok(Self(text))
    }
}

/// Takes the same time wherever the two differ.
impl PartialEq for PlainPassword {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for PlainPassword {}

impl fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPassword(…)")
    }
}

/// The numbers of hashes that run and that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasherConfig {
    /// Threads, each with 19 MiB while it hashes and for some seconds after; one at least.
    pub threads: usize,
    /// Hashes that may wait for a thread; one at least.
    pub queue: usize,
    /// The threads' nice value, 0 to 19. At 10 checks stay fast under a burst of sign-ins, and
    /// sign-ins still proceed when checks fill the processor, which at 19 they do not.
    pub nice: i32,
}

impl Default for HasherConfig {
    /// Half of the processors, at most four; 64 waiting; nice 10.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads: (processors / 2).clamp(1, 4),
            queue: 64,
            nice: 10,
        }
    }
}

/// One task for a hashing thread.
enum Job {
    Hash(PlainPassword, Fresh, Answer<String>),
    Verify(PlainPassword, Stored, Answer<PasswordVerdict>),
}

type Answer<T> = oneshot::Sender<Result<T, HashError>>;

/// The threads that hash. A clone asks the same threads; when the last is dropped, they finish
/// what waits and end.
#[derive(Clone)]
pub struct PasswordHasher {
    jobs: SyncSender<Job>,
    config: HasherConfig,
}

impl PasswordHasher {
    /// Starts the threads. Their memory is taken when they hash, and released when nobody has
    /// asked for some seconds.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(config: HasherConfig) -> std::io::Result<Self> {
        Self::start_with(config, &Arc::default(), QUIET)
    }

    fn start_with(
        config: HasherConfig,
        memory: &Arc<Memory>,
        quiet: Duration,
    ) -> std::io::Result<Self> {
        let config = HasherConfig {
            threads: config.threads.max(1),
            queue: config.queue.max(1),
            nice: config.nice.clamp(0, 19),
        };
        let (sender, receiver) = sync_channel(config.queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..config.threads {
            let (receiver, memory) = (Arc::clone(&receiver), Arc::clone(memory));
            std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || {
                    priority::lower(config.nice);
                    work(&receiver, &memory, quiet);
                })?;
        }
        Ok(Self {
            jobs: sender,
            config,
        })
    }

    /// Hashes a new password, to a PHC string. The salt is drawn at once, and so is the place in
    /// the queue.
    pub fn hash(
        &self,
        password: PlainPassword,
        entropy: &dyn Entropy,
    ) -> impl Future<Output = Result<String, HashError>> + Send + use<> {
        let fresh = Fresh::new(entropy);
        let (answer, answered) = oneshot::channel();
        let queued = self.enqueue(Job::Hash(password, fresh, answer));
        wait(queued, answered)
    }

    /// Compares a password with a stored hash. Without one, a hash of equal cost is computed and
    /// the answer is a mismatch, so that nobody learns from the time whether there was one.
    pub fn verify(
        &self,
        password: PlainPassword,
        stored: Option<String>,
    ) -> impl Future<Output = Result<PasswordVerdict, HashError>> + Send + use<> {
        let stored = match stored {
            Some(text) => Stored::read(&text),
            None => Ok(Stored::dummy()),
        };
        let (answer, answered) = oneshot::channel();
        let queued = stored.and_then(|stored| self.enqueue(Job::Verify(password, stored, answer)));
        wait(queued, answered)
    }

    fn enqueue(&self, job: Job) -> Result<(), HashError> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => HashError::Busy {
                retry_after: self.retry_after(),
            },
            TrySendError::Disconnected(_) => HashError::Stopped,
        })
    }

    fn retry_after(&self) -> Duration {
        let waiting = u32::try_from(self.config.queue / self.config.threads).unwrap_or(u32::MAX);
        let seconds = ONE_HASH.saturating_mul(waiting).as_secs_f64().ceil();
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(Duration::MAX)
            .max(Duration::from_secs(1))
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

async fn wait<T>(
    queued: Result<(), HashError>,
    answered: oneshot::Receiver<Result<T, HashError>>,
) -> Result<T, HashError> {
    queued?;
    answered.await.unwrap_or(Err(HashError::Stopped))
}

/// Runs one thread: job after job, until nobody can ask any more.
fn work(jobs: &Mutex<Receiver<Job>>, memory: &Memory, quiet: Duration) {
    loop {
        // The lock is held while waiting; the other threads wait for it instead of for a job.
        let job = jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(quiet);
        match job {
            // Nobody waits for the answer any more: a closed connection costs no hash.
            Ok(Job::Hash(_, _, answer)) if answer.is_closed() => {}
            Ok(Job::Verify(_, _, answer)) if answer.is_closed() => {}
            Ok(job) => {
                let mut scratch = memory.take();
                job.run(&mut scratch);
                memory.keep(scratch);
            }
            Err(RecvTimeoutError::Timeout) => memory.release(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Job {
    fn run(self, scratch: &mut Scratch) {
        match self {
            Self::Hash(password, fresh, answer) => {
                let _ = answer.send(fresh.hash(password.as_bytes(), scratch));
            }
            Self::Verify(password, stored, answer) => {
                let _ = answer.send(stored.verify(password.as_bytes(), scratch));
            }
        }
    }
}

#[cfg(test)]
mod tests;
