//! Keys that verify: parsed once, pinned to one algorithm, refused at the door if weak or meant for something else.

use std::fmt;

use aws_lc_rs::{
    digest, hmac,
    signature::{self, ParsedPublicKey, RsaPublicKeyComponents},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Alg,
    alg::{Curve, Scheme},
    der, weak,
};
use crate::error::{AuthError, Rule};

/// The shortest HMAC secret, in bytes.
pub const MIN_SECRET: usize = 32;

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An HMAC secret that is short, regular or published.
    #[error("the key is too weak")]
    TooWeak,
    /// Not a key of the algorithm's kind and size, or not meant for verifying.
    #[error("the key is not usable")]
    Rejected,
}

impl From<KeyError> for AuthError {
    fn from(error: KeyError) -> Self {
        Self::invalid(
            "key",
            match error {
                KeyError::TooWeak => Rule::KeyTooWeak,
                KeyError::Rejected => Rule::KeyRejected,
            },
        )
    }
}

/// A key that verifies signatures of exactly one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    alg: Alg,
    material: Material,
    /// The members that make the public JWK, in the order of RFC 7638 3.2; none for a secret.
    public: Vec<(&'static str, String)>,
}

#[derive(Clone)]
enum Material {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl VerifyingKey {
    /// A shared secret of at least [`MIN_SECRET`] bytes.
    ///
    /// RFC 7518 3.2 asks 48 and 64 bytes for HS384 and HS512; 32 random bytes are beyond search with either.
    pub fn hmac(alg: Alg, secret: &[u8]) -> Result<Self, KeyError> {
        let Scheme::Hmac(algorithm) = alg.scheme() else { return Err(KeyError::Rejected) };
        if secret.len() < MIN_SECRET || weak::is_guessable(secret) {
            return Err(KeyError::TooWeak);
        }
        Ok(Self { alg, material: Material::Hmac(Box::new(hmac::Key::new(algorithm, secret))), public: Vec::new() })
    }

    /// A JWK (RFC 7517): its `kty`, `crv`, `alg`, `use` and `key_ops` must fit verifying with `alg`.
    pub fn from_jwk(jwk: &Value, alg: Alg) -> Result<Self, KeyError> {
        let jwk = Jwk(jwk.as_object().ok_or(KeyError::Rejected)?);
        jwk.check_purpose(alg)?;
        match alg.scheme() {
            Scheme::Hmac(_) => {
                jwk.expect("kty", "oct")?;
                Self::hmac(alg, &Zeroizing::new(jwk.bytes("k")?))
            }
            Scheme::Rsa { .. } => {
                jwk.expect("kty", "RSA")?;
                Self::rsa(alg, &jwk.bytes("n")?, &jwk.bytes("e")?)
            }
            Scheme::Ec(curve) => {
                jwk.expect("kty", "EC")?;
                jwk.expect("crv", curve.name)?;
                Self::ec(alg, curve, &jwk.bytes("x")?, &jwk.bytes("y")?)
            }
            Scheme::Ed25519 => {
                jwk.expect("kty", "OKP")?;
                jwk.expect("crv", "Ed25519")?;
                Self::ed25519(alg, &jwk.bytes("x")?)
            }
        }
    }

    /// A DER `SubjectPublicKeyInfo` (RFC 5280), the content of a `PUBLIC KEY` PEM; EC points uncompressed.
    pub fn from_spki(der: &[u8], alg: Alg) -> Result<Self, KeyError> {
        let (identifier, key) = der::public_key_info(der).ok_or(KeyError::Rejected)?;
        let expect = |known: &[u8]| if identifier == known { Ok(()) } else { Err(KeyError::Rejected) };
        match alg.scheme() {
            Scheme::Hmac(_) => Err(KeyError::Rejected),
            Scheme::Rsa { .. } => {
                expect(RSA_IDENTIFIER)?;
                Self::rsa_der(alg, key)
            }
            Scheme::Ec(curve) => {
                expect(curve.identifier)?;
                Self::ec_point(alg, key)
            }
            Scheme::Ed25519 => {
                expect(ED25519_IDENTIFIER)?;
                Self::ed25519(alg, key)
            }
        }
    }

    /// An RSA key from a DER `RSAPublicKey` (RFC 8017 A.1.1).
    pub(super) fn rsa_der(alg: Alg, der: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = der::rsa_public_key(der).ok_or(KeyError::Rejected)?;
        Self::rsa(alg, modulus, exponent)
    }

    /// An uncompressed point (SEC 1 2.3.3).
    pub(super) fn ec_point(alg: Alg, point: &[u8]) -> Result<Self, KeyError> {
        let Scheme::Ec(curve) = alg.scheme() else { return Err(KeyError::Rejected) };
        let Some((&4, coordinates)) = point.split_first() else { return Err(KeyError::Rejected) };
        let (x, y) = coordinates.split_at_checked(curve.coordinate).ok_or(KeyError::Rejected)?;
        Self::ec(alg, curve, x, y)
    }

    fn rsa(alg: Alg, modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let Scheme::Rsa { verify, .. } = alg.scheme() else { return Err(KeyError::Rejected) };
        if !weak::is_strong_rsa(modulus, exponent) {
            return Err(KeyError::Rejected);
        }
        let key = RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(verify);
        Ok(Self {
            alg,
            material: Material::Public(key.map_err(|_| KeyError::Rejected)?),
            public: vec![("e", encode(exponent)), ("kty", "RSA".to_owned()), ("n", encode(modulus))],
        })
    }

    /// Coordinates of exactly the curve's length (RFC 7518 6.2.1.2); the point must lie on the curve.
    fn ec(alg: Alg, curve: &Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if x.len() != curve.coordinate || y.len() != curve.coordinate {
            return Err(KeyError::Rejected);
        }
        let key = ParsedPublicKey::new(curve.verify, [&[4], x, y].concat());
        Ok(Self {
            alg,
            material: Material::Public(key.map_err(|_| KeyError::Rejected)?),
            public: vec![("crv", curve.name.to_owned()), ("kty", "EC".to_owned()), ("x", encode(x)), ("y", encode(y))],
        })
    }

    pub(super) fn ed25519(alg: Alg, x: &[u8]) -> Result<Self, KeyError> {
        if !matches!(alg.scheme(), Scheme::Ed25519) || x.len() != 32 || weak::has_small_order(x) {
            return Err(KeyError::Rejected);
        }
        let key = ParsedPublicKey::new(&signature::ED25519, x);
        Ok(Self {
            alg,
            material: Material::Public(key.map_err(|_| KeyError::Rejected)?),
            public: vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", encode(x))],
        })
    }

    /// The one algorithm.
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// The key as a JWK to publish under `kid`; `None` for a secret.
    pub fn public_jwk(&self, kid: &str) -> Option<Value> {
        let extra = [("alg", self.alg.as_str()), ("kid", kid), ("use", "sig")];
        let mut members = self.required_members()?;
        members.extend(extra.map(|(name, value)| (name.to_owned(), Value::from(value))));
        Some(Value::Object(members))
    }

    /// The JWK thumbprint (RFC 7638) with SHA-256 in base64url; `None` for a secret, whose digest is nobody's business.
    pub fn thumbprint(&self) -> Option<String> {
        let canonical = Value::Object(self.required_members()?).to_string();
        Some(encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref()))
    }

    fn required_members(&self) -> Option<Map<String, Value>> {
        let members = self.public.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        (!self.public.is_empty()).then(|| members.collect())
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            // Compares in constant time.
            Material::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.alg)
    }
}

/// A JWK on its way in.
struct Jwk<'a>(&'a Map<String, Value>);

impl Jwk<'_> {
    /// Refuses keys for other purposes (RFC 7517 4.2 to 4.4), and private keys: whoever publishes one has lost it.
    fn check_purpose(&self, alg: Alg) -> Result<(), KeyError> {
        let fits = |name, wanted: &str| self.0.get(name).is_none_or(|value| value == wanted);
        let may_verify = match self.0.get("key_ops") {
            None => true,
            Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
            Some(_) => false,
        };
        let usable = fits("alg", alg.as_str()) && fits("use", "sig") && may_verify && !self.0.contains_key("d");
        if usable { Ok(()) } else { Err(KeyError::Rejected) }
    }

    fn expect(&self, name: &str, wanted: &str) -> Result<(), KeyError> {
        if self.0.get(name).is_some_and(|value| value == wanted) { Ok(()) } else { Err(KeyError::Rejected) }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, KeyError> {
        let text = self.0.get(name).and_then(Value::as_str).ok_or(KeyError::Rejected)?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Rejected)
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `rsaEncryption` with NULL parameters (RFC 8017 A.1).
const RSA_IDENTIFIER: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// `id-Ed25519` (RFC 8410 3).
const ED25519_IDENTIFIER: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                       tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91Cb\
                       OpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = json!({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        let key = VerifyingKey::from_jwk(&jwk, Alg::RS256).unwrap();
        assert_eq!(key.thumbprint().unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_published_key_reads_back_as_itself() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                         "alg": "EdDSA", "use": "sig", "kid": "k"});
        let key = VerifyingKey::from_jwk(&jwk, Alg::EdDSA).unwrap();
        assert_eq!(key.public_jwk("k").unwrap(), jwk);
        assert_eq!(key.thumbprint().unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_secret_is_never_published() {
        let key = VerifyingKey::hmac(Alg::HS256, b"Xb2!v9Qw-7hR_zK4pLm0sTnYc5dGf8jA").unwrap();
        assert_eq!((key.public_jwk("k"), key.thumbprint()), (None, None));
    }
}
