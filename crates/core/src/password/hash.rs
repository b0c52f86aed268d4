//! A password's hash as the store keeps it.

use std::fmt;

use argon2::{Algorithm, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::{cost::Memory, rules::NormalizedPassword, stored::Stored};
use crate::error::{AuthError, BoxError, Rule};

/// The bytes of a salt.
pub(super) const SALT: usize = 16;
const OUTPUT: usize = 32;

/// A hashed password: a PHC string of Argon2id, or a record of another system until its owner signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes over a hash of another system: bcrypt (`$2a$`, `$2b$`, `$2y$`) or PHC strings of Argon2, scrypt,
    /// PBKDF2-SHA-256 and PBKDF2-SHA-512.
    ///
    /// Refuses what is malformed or would cost a sign-in too much: above 128 MiB, 16 passes or 8 lanes of Argon2, cost
    /// 15 of bcrypt, N = 2^17 of scrypt, ten million rounds of PBKDF2.
    pub fn import(text: impl Into<String>) -> Result<Self, AuthError> {
        let text = text.into();
        match Stored::read(&text) {
            Some(_) => Ok(Self(text)),
            None => Err(AuthError::invalid("password_hash", Rule::Malformed)),
        }
    }

    /// The hash that [`Self::as_str`] once gave to the store; read again when a password is compared with it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text the store keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes with Argon2id.
    pub(super) fn create(
        password: &NormalizedPassword,
        salt: [u8; SALT],
        params: &Params,
        memory: &mut Memory,
    ) -> Result<Self, BoxError> {
        let mut output = [0; OUTPUT];
        let scheme = (Algorithm::Argon2id, Version::V0x13, params);
        memory.argon2(scheme, (password.expose().as_bytes(), &salt), &mut output)?;
        let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
        let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
        Ok(Self(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${output}")))
    }

    /// What it says, or an internal error if the store's record is not a hash.
    pub(super) fn read(&self) -> Result<Stored, AuthError> {
        Stored::read(&self.0).ok_or_else(|| AuthError::internal("a stored password hash is unreadable"))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
