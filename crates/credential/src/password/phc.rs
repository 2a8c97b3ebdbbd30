//! PHC strings (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`), read and computed.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use vestibule_model::Entropy;

use super::outcome::{HashError, PasswordVerdict};

const ALGORITHM: Algorithm = Algorithm::Argon2id;
const VERSION: Version = Version::V0x13;
const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;

/// Today's cost: 19 MiB, two passes, one lane (OWASP's recommendation).
const COST: Params = Params::DEFAULT;

/// The highest cost of a stored hash that is computed at all: what a sign-in may cost us is for
/// us to say, not for whoever can write a hash into an import.
const MAX_MEMORY_KIB: u32 = 64 * 1_024;
const MAX_PASSES: u32 = 8;
const MAX_LANES: u32 = 4;

/// A thread's working memory, taken once and reused: fresh pages for each hash would cost a third
/// more time.
#[derive(Default)]
pub(super) struct Scratch(Vec<Block>);

impl Scratch {
    /// The number of blocks of 1 KiB that a hash writes.
    #[cfg(test)]
    pub(super) fn filled(&self) -> usize {
        let written = |block: &&Block| block.as_ref().iter().any(|word| *word != 0);
        self.0.iter().filter(written).count()
    }

    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let usual = COST.block_count();
        if self.0.is_empty() {
            self.0 = vec![Block::new(); usual];
        }
        let needed = argon2.params().block_count();
        let computed = if needed <= usual {
            argon2.hash_password_into_with_memory(password, salt, output, &mut self.0)
        } else {
            // Rare, bounded and not kept: an imported hash of a higher cost, once per user.
            let more = vec![Block::new(); needed];
            argon2.hash_password_into_with_memory(password, salt, output, more)
        };
        computed.map_err(|_| HashError::StoredHash)
    }
}

/// A hash to be made.
pub(super) struct Fresh {
    salt: [u8; SALT_LENGTH],
}

impl Fresh {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let mut salt = [0; SALT_LENGTH];
        entropy.fill(&mut salt);
        Self { salt }
    }

    pub(super) fn hash(&self, password: &[u8], scratch: &mut Scratch) -> Result<String, HashError> {
        let mut output = [0; OUTPUT_LENGTH];
        let argon2 = Argon2::new(ALGORITHM, VERSION, COST);
        scratch.compute(&argon2, password, &self.salt, &mut output)?;
        let hash = PasswordHash {
            algorithm: ALGORITHM.ident(),
            version: Some(VERSION.into()),
            params: ParamsString::try_from(&COST).map_err(|_| HashError::StoredHash)?,
            salt: Some(Salt::new(&self.salt).map_err(|_| HashError::StoredHash)?),
            hash: Some(Output::new(&output).map_err(|_| HashError::StoredHash)?),
        };
        Ok(hash.to_string())
    }
}

/// A stored hash that may be computed.
pub(super) struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
    /// It stands for a hash that does not exist, and nothing matches it.
    dummy: bool,
}

impl Stored {
    /// Reads a PHC string and refuses what would cost too much, before any of it is spent.
    pub(super) fn read(text: &str) -> Result<Self, HashError> {
        let refused = |_| HashError::StoredHash;
        let hash = PasswordHash::new(text).map_err(|_| HashError::StoredHash)?;
        let params = Params::try_from(&hash).map_err(refused)?;
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
            return Err(HashError::StoredHash);
        };
        let affordable = params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES
            && params.p_cost() <= MAX_LANES;
        if !affordable || output.len() < 16 {
            return Err(HashError::StoredHash);
        }
        Ok(Self {
            algorithm: Algorithm::try_from(hash.algorithm.as_str()).map_err(refused)?,
            // Where it is not written, it is the version before it was (1.0).
            version: match hash.version {
                Some(version) => Version::try_from(version).map_err(|_| HashError::StoredHash)?,
                None => Version::V0x10,
            },
            params,
            salt: salt.to_vec(),
            output: output.as_bytes().to_vec(),
            dummy: false,
        })
    }

    /// A hash of today's cost that no password matches.
    pub(super) fn dummy() -> Self {
        Self {
            algorithm: ALGORITHM,
            version: VERSION,
            params: COST,
            salt: vec![0; SALT_LENGTH],
            output: vec![0; OUTPUT_LENGTH],
            dummy: true,
        }
    }

    pub(super) fn verify(
        &self,
        password: &[u8],
        scratch: &mut Scratch,
    ) -> Result<PasswordVerdict, HashError> {
        let mut output = vec![0; self.output.len()];
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        scratch.compute(&argon2, password, &self.salt, &mut output)?;
        let same = bool::from(output.ct_eq(&self.output));
        Ok(if same && !self.dummy {
            PasswordVerdict::Match {
                rehash: !self.is_of_today(),
            }
        } else {
            PasswordVerdict::Mismatch
        })
    }

    /// All that the time of [`verify`](Self::verify) depends on.
    #[cfg(test)]
    pub(super) fn work(&self) -> (Algorithm, Version, [u32; 3], usize, usize) {
        let (salt, output) = (self.salt.len(), self.output.len());
        let cost = cost(&self.params);
        (self.algorithm, self.version, cost, salt, output)
    }

    fn is_of_today(&self) -> bool {
        self.algorithm == ALGORITHM
            && self.version == VERSION
            && cost(&self.params) == cost(&COST)
            && self.salt.len() >= SALT_LENGTH
            && self.output.len() == OUTPUT_LENGTH
    }
}

/// Memory, passes and lanes.
fn cost(params: &Params) -> [u32; 3] {
    [params.m_cost(), params.t_cost(), params.p_cost()]
}
