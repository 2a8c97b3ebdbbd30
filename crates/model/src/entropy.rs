//! Randomness as a parameter.

/// A source of random bytes. Tests may pass a predictable one; everything else passes
/// [`OsEntropy`].
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with random bytes fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// When the operating system has no randomness to give, in which case nothing that this
    /// server does would be safe.
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "without randomness no secret may be made: stop"
        )]
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
