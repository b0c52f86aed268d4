//! The algorithms (RFC 7518 3.1, RFC 8037) and what stands behind each in the crypto library.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{self, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, RsaParameters, RsaSignatureEncoding},
};

/// A signature algorithm. There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alg {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// EdDSA on Ed25519.
    EdDSA,
}

/// Whether who verifies could also sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One secret signs and verifies.
    Symmetric,
    /// A private key signs, its public key verifies.
    Asymmetric,
}

impl Alg {
    /// Every algorithm there is.
    pub const EACH: [Self; 13] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// The registered name, as in the `alg` of headers and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Reads a registered name, case-sensitive (RFC 7515 4.1.1); `none` in any case is not one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|alg| alg.as_str() == name)
    }

    /// Symmetric or asymmetric.
    pub const fn family(self) -> Family {
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => Family::Symmetric,
            _ => Family::Asymmetric,
        }
    }

    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::HS256 => Scheme::Hmac(hmac::HMAC_SHA256),
            Self::HS384 => Scheme::Hmac(hmac::HMAC_SHA384),
            Self::HS512 => Scheme::Hmac(hmac::HMAC_SHA512),
            Self::RS256 => Scheme::rsa(&signature::RSA_PKCS1_2048_8192_SHA256, &signature::RSA_PKCS1_SHA256),
            Self::RS384 => Scheme::rsa(&signature::RSA_PKCS1_2048_8192_SHA384, &signature::RSA_PKCS1_SHA384),
            Self::RS512 => Scheme::rsa(&signature::RSA_PKCS1_2048_8192_SHA512, &signature::RSA_PKCS1_SHA512),
            Self::PS256 => Scheme::rsa(&signature::RSA_PSS_2048_8192_SHA256, &signature::RSA_PSS_SHA256),
            Self::PS384 => Scheme::rsa(&signature::RSA_PSS_2048_8192_SHA384, &signature::RSA_PSS_SHA384),
            Self::PS512 => Scheme::rsa(&signature::RSA_PSS_2048_8192_SHA512, &signature::RSA_PSS_SHA512),
            Self::ES256 => Scheme::Ec(&P256),
            Self::ES384 => Scheme::Ec(&P384),
            Self::ES512 => Scheme::Ec(&P521),
            Self::EdDSA => Scheme::Ed25519,
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an algorithm is computed.
pub(super) enum Scheme {
    Hmac(hmac::Algorithm),
    Rsa { verify: &'static RsaParameters, sign: &'static RsaSignatureEncoding },
    Ec(&'static Curve),
    Ed25519,
}

impl Scheme {
    const fn rsa(verify: &'static RsaParameters, sign: &'static RsaSignatureEncoding) -> Self {
        Self::Rsa { verify, sign }
    }
}

/// A NIST curve with the hash that JWS ties to it; signatures are `r || s`, never DER (RFC 7518 3.4).
pub(super) struct Curve {
    /// The `crv` of its keys.
    pub name: &'static str,
    /// The length of a coordinate.
    pub coordinate: usize,
    /// Its `AlgorithmIdentifier` (RFC 5480 2.1.1).
    pub identifier: &'static [u8],
    pub verify: &'static EcdsaVerificationAlgorithm,
    pub sign: &'static EcdsaSigningAlgorithm,
}

static P256: Curve = Curve {
    name: "P-256",
    coordinate: 32,
    identifier: b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
    verify: &signature::ECDSA_P256_SHA256_FIXED,
    sign: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
};

static P384: Curve = Curve {
    name: "P-384",
    coordinate: 48,
    identifier: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
    verify: &signature::ECDSA_P384_SHA384_FIXED,
    sign: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
};

static P521: Curve = Curve {
    name: "P-521",
    coordinate: 66,
    identifier: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23",
    verify: &signature::ECDSA_P521_SHA512_FIXED,
    sign: &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_no_other_does() {
        for alg in Alg::EACH {
            assert_eq!(Alg::parse(alg.as_str()), Some(alg));
        }
        for name in ["none", "None", "nOnE", "", "hs256", "HS256 ", "ES256K", "RSA1_5", "dir"] {
            assert_eq!(Alg::parse(name), None, "{name}");
        }
    }
}
