//! Hashing and comparing passwords for the rest of the domain.

use std::{sync::Arc, thread, time::Duration};

use argon2::{Algorithm, Params, Version};

use super::{
    Argon2Params, HasherStats, NormalizedPassword, PasswordHash,
    hash::SALT,
    pool::Pool,
    stored::{Scheme, Stored},
};
use crate::{
    entropy::{SharedEntropy, random},
    error::{AuthError, Rule},
    secret::Password,
};

/// How much of the machine passwords may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HasherConfig {
    /// Threads that hash, each with its own memory; by default as many as the machine has cores.
    pub threads: usize,
    /// A job that would wait longer is refused; by default five seconds.
    pub max_wait: Duration,
    /// The cost of new hashes.
    pub argon2: Argon2Params,
}

impl Default for HasherConfig {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { threads, max_wait: Duration::from_secs(5), argon2: Argon2Params::default() }
    }
}

impl HasherConfig {
    /// Hashes that cost nothing and protect nothing, and a queue that never refuses.
    #[cfg(any(test, feature = "testing"))]
    pub fn for_tests() -> Self {
        let argon2 = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
        Self { threads: 2, max_wait: Duration::from_mins(10), argon2 }
    }
}

/// What comparing a password with a stored hash came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Another password, or nobody's.
    Wrong,
    /// The password.
    Right,
    /// The password, but its hash is of another scheme or cost: hash it again and keep that.
    RightNeedsRehash,
}

/// Hashes and compares passwords on a few threads of its own. Clones share them.
#[derive(Clone)]
pub struct PasswordHasher {
    pool: Arc<Pool>,
    cost: Argon2Params,
    params: Params,
    entropy: SharedEntropy,
}

impl PasswordHasher {
    /// A hasher whose threads start with the first password. Refuses impossible or excessive parameters of Argon2.
    pub fn new(config: HasherConfig, entropy: SharedEntropy) -> Result<Self, AuthError> {
        let cost = config.argon2;
        let params = cost.checked().ok_or_else(|| AuthError::invalid("argon2", Rule::Malformed))?;
        let pool = Arc::new(Pool::new(config.threads, config.max_wait, params.clone()));
        Ok(Self { pool, cost, params, entropy })
    }

    /// Hashes a new password with a fresh salt.
    ///
    /// Too long a queue is [`AuthError::Unavailable`] with [`Overloaded`](super::Overloaded) as its source.
    pub async fn hash(&self, password: NormalizedPassword) -> Result<PasswordHash, AuthError> {
        let salt = random::<SALT>(&*self.entropy);
        let params = self.params.clone();
        let hash = self.pool.run(move |memory| PasswordHash::create(&password, salt, &params, memory)).await?;
        hash.map_err(AuthError::internal)
    }

    /// Hashes a password that was just found right, at the present cost. Today's rules for new ones do not apply.
    pub async fn rehash(&self, password: &Password) -> Result<PasswordHash, AuthError> {
        self.hash(NormalizedPassword::presented(password).0).await
    }

    /// Compares a password with what is stored for its user; `None` for a user who is unknown or has none.
    ///
    /// An unknown user, a wrong password and one too long to be anybody's take the same work as a right one, so the
    /// time of the answer does not tell whether the user exists. Only a user whose imported hash is of another scheme
    /// takes that scheme's time, until the first sign-in.
    pub async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Verdict, AuthError> {
        let (password, possible) = NormalizedPassword::presented(&password);
        let known = stored.is_some();
        let stored = stored.map_or_else(|| Ok(self.nobodys()), |hash| hash.read())?;
        let cost = self.cost;
        let verdict = self.pool.run(move |memory| {
            let same = stored.matches(password.expose(), memory)?;
            Ok(match same && known && possible {
                false => Verdict::Wrong,
                true if stored.is_current(cost) => Verdict::Right,
                true => Verdict::RightNeedsRehash,
            })
        });
        verdict.await?.map_err(AuthError::Internal)
    }

    /// What the threads do and have done.
    pub fn stats(&self) -> HasherStats {
        self.pool.stats()
    }

    /// A hash of the present cost that belongs to no password.
    fn nobodys(&self) -> Stored {
        let scheme = Scheme::Argon2(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        Stored::Phc { scheme, salt: vec![0; SALT], output: vec![0; 32] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entropy::OsEntropy, password::PasswordPolicy};

    fn hasher() -> PasswordHasher {
        PasswordHasher::new(HasherConfig::for_tests(), Arc::new(OsEntropy)).expect("possible parameters")
    }

    fn new_password(text: &str) -> NormalizedPassword {
        PasswordPolicy::default().check(&Password::new(text), &[]).expect("an acceptable password")
    }

    #[tokio::test]
    async fn a_hash_matches_its_password_only_and_in_either_unicode_form() {
        let hasher = hasher();
        let hash = hasher.hash(new_password("cafe\u{301} at noon")).await.expect("hashed");
        for (text, verdict) in [
            ("caf\u{e9} at noon", Verdict::Right),
            ("cafe\u{301} at noon", Verdict::Right),
            ("cafe at noon", Verdict::Wrong),
            ("", Verdict::Wrong),
        ] {
            assert_eq!(hasher.verify(Password::new(text), Some(hash.clone())).await.ok(), Some(verdict), "{text}");
        }
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_right_but_needs_hashing_again() {
        let dearer = Argon2Params { memory_kib: 64, ..HasherConfig::for_tests().argon2 };
        let config = HasherConfig { argon2: dearer, ..HasherConfig::for_tests() };
        let other = PasswordHasher::new(config, Arc::new(OsEntropy)).expect("possible parameters");
        let hash = other.hash(new_password("pencil and paper")).await.expect("hashed");
        let verdict = hasher().verify(Password::new("pencil and paper"), Some(hash)).await;
        assert_eq!(verdict.ok(), Some(Verdict::RightNeedsRehash));
    }

    #[tokio::test]
    async fn an_unreadable_record_is_our_fault_and_not_a_wrong_password() {
        let hash = PasswordHash::stored("plain text".to_owned());
        let verdict = hasher().verify(Password::new("plain text"), Some(hash)).await;
        assert_eq!(verdict.map_err(|error| error.code()), Err("internal"));
    }

    #[test]
    fn parameters_beyond_the_limits_are_refused() {
        let argon2 = Argon2Params { memory_kib: 4 * 1024 * 1024, ..Argon2Params::default() };
        let config = HasherConfig { argon2, ..HasherConfig::for_tests() };
        assert!(PasswordHasher::new(config, Arc::new(OsEntropy)).is_err());
    }
}
