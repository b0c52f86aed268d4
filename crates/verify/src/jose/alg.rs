//! The algorithms with a public key (RFC 7518 3.1, RFC 8037). There is neither `none` nor a shared secret.

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, RsaParameters};

/// A signature algorithm, by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

/// What a key of an algorithm looks like, and what the crypto library verifies it with.
pub(super) enum Scheme {
    Rsa(&'static RsaParameters),
    Ec { curve: &'static str, coordinate: usize, verify: &'static EcdsaVerificationAlgorithm },
    Ed25519,
}

impl Alg {
    /// Every algorithm there is, by its registered name, which is case-sensitive (RFC 7515 4.1.1).
    pub const EACH: [(&'static str, Self); 10] = [
        ("RS256", Self::RS256),
        ("RS384", Self::RS384),
        ("RS512", Self::RS512),
        ("PS256", Self::PS256),
        ("PS384", Self::PS384),
        ("PS512", Self::PS512),
        ("ES256", Self::ES256),
        ("ES384", Self::ES384),
        ("ES512", Self::ES512),
        ("EdDSA", Self::EdDSA),
    ];

    /// Reads a registered name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find_map(|(known, alg)| (known == name).then_some(alg))
    }

    pub(super) fn scheme(self) -> Scheme {
        let ec = |curve, coordinate, verify| Scheme::Ec { curve, coordinate, verify };
        match self {
            Self::RS256 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::RS384 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::RS512 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::PS256 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::PS384 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::PS512 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            // `r || s`, never DER (RFC 7518 3.4).
            Self::ES256 => ec("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
            Self::ES384 => ec("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
            Self::ES512 => ec("P-521", 66, &signature::ECDSA_P521_SHA512_FIXED),
            Self::EdDSA => Scheme::Ed25519,
        }
    }
}
