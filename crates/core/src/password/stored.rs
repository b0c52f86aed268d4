//! The schemes a stored hash may be in: ours, and those of the systems that people come from.
//!
//! Reading refuses what is malformed or asks for more than we give one sign-in, so that an imported record can neither
//! stop the process nor take its memory. Everything here runs on text that somebody else wrote.

use std::num::NonZeroU32;

use argon2::{Algorithm, Params, Version};
use aws_lc_rs::pbkdf2;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cost::{Argon2Params, MAX_MEMORY_KIB, Memory};
use crate::error::BoxError;

const MAX_BCRYPT_COST: u32 = 15;
const MAX_SCRYPT_LOG_N: u8 = 17;
const MAX_SCRYPT_LANES: u32 = 8;
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

/// A stored hash, read.
pub(super) enum Stored {
    /// The whole text; the crate reads it again.
    Bcrypt(String),
    Phc {
        scheme: Scheme,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
}

/// A scheme of the PHC string format, with its cost.
pub(super) enum Scheme {
    Argon2(Algorithm, Version, Params),
    Scrypt(scrypt::Params),
    Pbkdf2(pbkdf2::Algorithm, NonZeroU32),
}

impl Stored {
    /// Reads `text`; `None` if it is malformed, of an unknown scheme or above the limits. Allocates no more than its
    /// length.
    pub(super) fn read(text: &str) -> Option<Self> {
        if !text.is_ascii() || text.len() > 512 {
            return None;
        }
        if text.starts_with("$2") { read_bcrypt(text) } else { read_phc(text) }
    }

    /// Whether `password` is the one that was hashed. Takes the scheme's full time either way.
    pub(super) fn matches(&self, password: &str, memory: &mut Memory) -> Result<bool, BoxError> {
        match self {
            // bcrypt knows 72 bytes: of a longer password the old system compared no more, and nothing else can be
            // asked of its hash. A match is hashed again at once, and from then on the whole password is compared.
            Self::Bcrypt(text) => bcrypt::verify(password, text).map_err(|error| error.to_string().into()),
            Self::Phc { scheme, salt, output } => {
                let mut computed = Zeroizing::new(vec![0; output.len()]);
                scheme.compute(password.as_bytes(), salt, &mut computed, memory)?;
                Ok(computed.ct_eq(output).into())
            }
        }
    }

    /// Whether it is what a new hash with `params` would look like.
    pub(super) fn is_current(&self, params: Argon2Params) -> bool {
        let Self::Phc { scheme: Scheme::Argon2(Algorithm::Argon2id, Version::V0x13, own), salt, output } = self else {
            return false;
        };
        let own = Argon2Params { memory_kib: own.m_cost(), passes: own.t_cost(), lanes: own.p_cost() };
        own == params && salt.len() >= 16 && output.len() >= 32
    }
}

impl Scheme {
    fn compute(&self, password: &[u8], salt: &[u8], output: &mut [u8], memory: &mut Memory) -> Result<(), BoxError> {
        match self {
            Self::Argon2(algorithm, version, params) => {
                memory.argon2((*algorithm, *version, params), (password, salt), output)?;
            }
            Self::Scrypt(params) => scrypt::scrypt(password, salt, params, output)?,
            Self::Pbkdf2(algorithm, rounds) => pbkdf2::derive(*algorithm, *rounds, salt, password, output),
        }
        Ok(())
    }
}

fn read_bcrypt(text: &str) -> Option<Stored> {
    // Not `$2x$`: it marks hashes of an implementation that confused some passwords with others.
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let cost = text.get(4..6).and_then(decimal)?;
    let parts = text.parse::<bcrypt::HashParts>().ok()?;
    (known && parts.get_cost() == cost && (4..=MAX_BCRYPT_COST).contains(&cost))
        .then(|| Stored::Bcrypt(text.to_owned()))
}

/// `$name[$v=version]$key=value,…$salt$hash`, the last two in base64 without padding.
fn read_phc(text: &str) -> Option<Stored> {
    let mut fields = text.strip_prefix('$')?.split('$');
    let name = fields.next()?;
    let first = fields.next()?;
    let (version, params) = match first.strip_prefix("v=") {
        Some(version) => (Some(decimal(version)?), fields.next()?),
        None => (None, first),
    };
    let salt = bytes(fields.next()?, 8)?;
    let output = bytes(fields.next()?, 16)?;
    if fields.next().is_some() {
        return None;
    }
    let scheme = match (name, version) {
        ("argon2id", version) => argon2(Algorithm::Argon2id, version, params),
        ("argon2i", version) => argon2(Algorithm::Argon2i, version, params),
        ("argon2d", version) => argon2(Algorithm::Argon2d, version, params),
        ("scrypt", None) => scrypt(params),
        ("pbkdf2-sha256", None) => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, params, output.len()),
        ("pbkdf2-sha512", None) => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, params, output.len()),
        _ => None,
    }?;
    Some(Stored::Phc { scheme, salt, output })
}

fn argon2(algorithm: Algorithm, version: Option<u32>, params: &str) -> Option<Scheme> {
    let version = version.map_or(Some(Version::V0x10), |version| Version::try_from(version).ok())?;
    let [memory_kib, passes, lanes] = values(params, ["m", "t", "p"])?;
    Some(Scheme::Argon2(algorithm, version, Argon2Params { memory_kib, passes, lanes }.checked()?))
}

fn scrypt(params: &str) -> Option<Scheme> {
    let [log_n, block, lanes] = values(params, ["ln", "r", "p"])?;
    let log_n = u8::try_from(log_n).ok().filter(|log_n| (1..=MAX_SCRYPT_LOG_N).contains(log_n))?;
    let memory = (128 * u64::from(block)) << log_n;
    let affordable = memory <= u64::from(MAX_MEMORY_KIB) * 1024 && lanes <= MAX_SCRYPT_LANES;
    affordable.then(|| scrypt::Params::new(log_n, block, lanes).ok().map(Scheme::Scrypt))?
}

fn pbkdf2(algorithm: pbkdf2::Algorithm, params: &str, length: usize) -> Option<Scheme> {
    let rounds = match values(params, ["i", "l"]) {
        Some([rounds, stated]) => usize::try_from(stated).is_ok_and(|stated| stated == length).then_some(rounds)?,
        None => values(params, ["i"]).map(|[rounds]| rounds)?,
    };
    NonZeroU32::new(rounds)
        .filter(|rounds| rounds.get() <= MAX_PBKDF2_ROUNDS)
        .map(|rounds| Scheme::Pbkdf2(algorithm, rounds))
}

/// The values of exactly these keys in this order.
fn values<const N: usize>(params: &str, keys: [&str; N]) -> Option<[u32; N]> {
    let mut pairs = params.split(',');
    let mut values = [0; N];
    for (value, key) in values.iter_mut().zip(keys) {
        *value = decimal(pairs.next()?.strip_prefix(key)?.strip_prefix('=')?)?;
    }
    pairs.next().is_none().then_some(values)
}

/// Digits only: `parse` alone would take a sign.
fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// From `least` to 64 bytes.
fn bytes(text: &str, least: usize) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok().filter(|bytes| (least..=64).contains(&bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, password: &str) -> bool {
        let stored = Stored::read(text).expect("a readable hash");
        stored.matches(password, &mut Memory::default()).expect("enough memory")
    }

    // Made by other implementations: the Argon2 reference, libxcrypt and OpenSSL.
    #[test]
    fn hashes_of_other_systems_match_their_password_only() {
        for text in [
            "$argon2id$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$aS6I+4tpWl/kdfNECiLEg9IDeijzXAxqNNN46eAZTTI",
            "$argon2i$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$QYmoHWGugR2M/957yUeojbkRVQfmeAxG4MQRd176hJs",
            "$argon2d$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$d9TbBy5RcRJj4WbK8g58pe1S5cCIprBZbhVJrvNxAPQ",
            "$2y$04$abcdefghijklmnopqrstuuI2Mp1bRgukmtv/LwqhmSmKEKyCfD6Om",
            "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$N79cEwtq1IelNcUBDpcUDL3yIxnXtLDcqrlMMadBqTM",
            "$pbkdf2-sha256$i=1000$AAECAwQFBgcICQoLDA0ODw$UJQQR9LE8/t3UX2iquZgRuk4IkBkc8XrrIJk30qmiv0",
            "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$naCqPBaZc7/J4D6AulKLlQBbs5aRV/I3iWf/fS6xcF+VEtGO+8rBapPPX7D3Si6dHOV4Crye4hNUUBeiYfBc+g",
        ] {
            assert!(matches(text, "pencil and paper"), "{text}");
            assert!(!matches(text, "pencil and papes"), "{text}");
        }
    }

    #[test]
    fn only_our_own_scheme_at_the_present_cost_is_current() {
        let params = Argon2Params { memory_kib: 64, passes: 2, lanes: 2 };
        let current = |text: &str, params| Stored::read(text).is_some_and(|stored| stored.is_current(params));
        let ours = "$argon2id$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$aS6I+4tpWl/kdfNECiLEg9IDeijzXAxqNNN46eAZTTI";
        assert!(current(ours, params));
        assert!(!current(ours, Argon2Params::default()));
        assert!(!current(&ours.replace("$v=19", ""), params));
        assert!(!current(&ours.replace("argon2id", "argon2i"), params));
    }
}
