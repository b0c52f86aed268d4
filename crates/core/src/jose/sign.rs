//! Keys that sign, and minting.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::AsDer as _,
    error::Unspecified,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair, RsaSignatureEncoding},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Alg, KeyError, VerifyingKey, alg::Scheme};
use crate::{
    entropy::{Entropy, random},
    error::AuthError,
    secret::RawToken,
};

/// Sizes of the RSA keys we make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaSize {
    /// 2048 bits.
    #[default]
    Bits2048,
    /// 3072 bits.
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

impl RsaSize {
    /// The size of this many bits.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            2048 => Some(Self::Bits2048),
            3072 => Some(Self::Bits3072),
            4096 => Some(Self::Bits4096),
            _ => None,
        }
    }

    const fn key_size(self) -> KeySize {
        match self {
            Self::Bits2048 => KeySize::Rsa2048,
            Self::Bits3072 => KeySize::Rsa3072,
            Self::Bits4096 => KeySize::Rsa4096,
        }
    }
}

/// A key that signs with exactly one algorithm, together with the key that verifies it.
pub struct SigningKeyPair {
    private: Private,
    verifying: VerifyingKey,
}

enum Private {
    Hmac { key: Box<hmac::Key>, secret: Zeroizing<Vec<u8>> },
    Rsa { pair: RsaKeyPair, encoding: &'static RsaSignatureEncoding },
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKeyPair {
    /// Makes a key: HMAC secrets as long as the hash, RSA keys of the smallest [`RsaSize`].
    ///
    /// Secrets and Ed25519 seeds come from `entropy`. For RSA and ECDSA keys the crypto library draws from its own generator,
    /// which cannot be injected.
    pub fn generate(alg: Alg, entropy: &dyn Entropy) -> Result<Self, AuthError> {
        let made = match alg.scheme() {
            Scheme::Hmac(algorithm) => {
                let mut secret = Zeroizing::new(vec![0; algorithm.tag_len()]);
                entropy.fill(&mut secret);
                Self::hmac(alg, secret)
            }
            Scheme::Rsa { .. } => return Self::generate_rsa(alg, RsaSize::default()),
            Scheme::Ec(curve) => Self::ec(alg, EcdsaKeyPair::generate(curve.sign).map_err(AuthError::internal)?),
            Scheme::Ed25519 => {
                let seed = Zeroizing::new(random::<32>(entropy));
                // "Unchecked" because there is no public key to compare with yet.
                Self::ed25519(alg, Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(AuthError::internal)?)
            }
        };
        made.map_err(AuthError::internal)
    }

    /// Makes an RSA key of this size. It takes a good part of a second: not for a thread that serves.
    pub fn generate_rsa(alg: Alg, size: RsaSize) -> Result<Self, AuthError> {
        let pair = RsaKeyPair::generate(size.key_size()).map_err(AuthError::internal)?;
        Ok(Self::rsa(alg, pair)?)
    }

    /// Reads a key: the secret's bytes for HMAC, unencrypted PKCS#8 for the others.
    ///
    /// The rules are those of [`VerifyingKey`].
    pub fn from_bytes(alg: Alg, bytes: &[u8]) -> Result<Self, KeyError> {
        match alg.scheme() {
            Scheme::Hmac(_) => Self::hmac(alg, Zeroizing::new(bytes.to_vec())),
            Scheme::Rsa { .. } => Self::rsa(alg, RsaKeyPair::from_pkcs8(bytes).map_err(|_| KeyError::Rejected)?),
            Scheme::Ec(curve) => {
                Self::ec(alg, EcdsaKeyPair::from_pkcs8(curve.sign, bytes).map_err(|_| KeyError::Rejected)?)
            }
            Scheme::Ed25519 => Self::ed25519(alg, Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| KeyError::Rejected)?),
        }
    }

    /// The private key in the form that [`from_bytes`](Self::from_bytes) reads: to be sealed, never to be shown.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        self.export().map(Zeroizing::new).map_err(AuthError::internal)
    }

    fn export(&self) -> Result<Vec<u8>, Unspecified> {
        Ok(match &self.private {
            Private::Hmac { secret, .. } => secret.to_vec(),
            Private::Rsa { pair, .. } => pair.as_der()?.as_ref().to_vec(),
            Private::Ec(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Private::Ed25519(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
        })
    }

    fn hmac(alg: Alg, secret: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let Scheme::Hmac(algorithm) = alg.scheme() else { return Err(KeyError::Rejected) };
        let verifying = VerifyingKey::hmac(alg, &secret)?;
        Ok(Self { private: Private::Hmac { key: Box::new(hmac::Key::new(algorithm, &secret)), secret }, verifying })
    }

    fn rsa(alg: Alg, pair: RsaKeyPair) -> Result<Self, KeyError> {
        let Scheme::Rsa { sign: encoding, .. } = alg.scheme() else { return Err(KeyError::Rejected) };
        let verifying = VerifyingKey::rsa_der(alg, pair.public_key().as_ref())?;
        Ok(Self { private: Private::Rsa { pair, encoding }, verifying })
    }

    fn ec(alg: Alg, pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::ec_point(alg, pair.public_key().as_ref())?;
        Ok(Self { private: Private::Ec(pair), verifying })
    }

    fn ed25519(alg: Alg, pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::ed25519(alg, pair.public_key().as_ref())?;
        Ok(Self { private: Private::Ed25519(pair), verifying })
    }

    /// The one algorithm.
    pub const fn alg(&self) -> Alg {
        self.verifying.alg()
    }

    /// The key that verifies what this one signs.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The public key as a JWK to publish under `kid` (RFC 7517); `None` for a secret.
    pub fn public_jwk(&self, kid: &str) -> Option<Value> {
        self.verifying.public_jwk(kid)
    }

    /// A name for the key: its thumbprint (RFC 7638), or 128 random bits for a secret.
    pub fn new_kid(&self, entropy: &dyn Entropy) -> String {
        self.verifying.thumbprint().unwrap_or_else(|| URL_SAFE_NO_PAD.encode(random::<16>(entropy)))
    }

    /// Signs claims once; a [`Signer`] is faster for many tokens of one kind.
    pub fn mint(&self, kid: Option<&str>, typ: &str, claims: &impl Serialize) -> Result<RawToken, AuthError> {
        self.compact(&encode_header(self.alg(), kid, typ)?, claims)
    }

    fn compact(&self, header: &str, claims: &impl Serialize) -> Result<RawToken, AuthError> {
        let claims = serde_json::to_vec(claims).map_err(AuthError::internal)?;
        // Room for four thirds of the claims and for all but RSA signatures, so that it rarely grows.
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 96);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        self.append_signature(&mut token).map_err(AuthError::internal)?;
        Ok(RawToken::new(token))
    }

    fn append_signature(&self, token: &mut String) -> Result<(), Unspecified> {
        let message = token.as_bytes();
        match &self.private {
            Private::Hmac { key, .. } => append(token, hmac::sign(key, message).as_ref()),
            Private::Rsa { pair, encoding } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature)?;
                append(token, &signature);
            }
            Private::Ec(pair) => append(token, pair.sign(&SystemRandom::new(), message)?.as_ref()),
            Private::Ed25519(pair) => append(token, pair.try_sign(message)?.as_ref()),
        }
        Ok(())
    }
}

impl fmt::Debug for SigningKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeyPair({})", self.alg())
    }
}

fn append(token: &mut String, signature: &[u8]) {
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, token);
}

fn encode_header(alg: Alg, kid: Option<&str>, typ: &str) -> Result<String, AuthError> {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'static str,
        typ: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    }
    let header = serde_json::to_vec(&Header { alg: alg.as_str(), typ, kid }).map_err(AuthError::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(header))
}

/// A key pair with the header of its tokens prepared.
#[derive(Clone, Debug)]
pub struct Signer {
    header: String,
    key: Arc<SigningKeyPair>,
}

impl Signer {
    /// Prepares tokens of kind `typ`, signed by `key` under the name `kid`.
    pub fn new(key: Arc<SigningKeyPair>, kid: Option<&str>, typ: &str) -> Result<Self, AuthError> {
        Ok(Self { header: encode_header(key.alg(), kid, typ)?, key })
    }

    /// The key.
    pub fn key(&self) -> &SigningKeyPair {
        &self.key
    }

    /// Signs claims; [`AuthError::Internal`] if they are no JSON.
    pub fn mint(&self, claims: &impl Serialize) -> Result<RawToken, AuthError> {
        self.key.compact(&self.header, claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{entropy::OsEntropy, jose::Unverified};

    #[test]
    fn an_exported_key_signs_for_the_same_verifying_key() {
        for alg in Alg::EACH {
            let key = SigningKeyPair::generate(alg, &OsEntropy).unwrap();
            let again = SigningKeyPair::from_bytes(alg, &key.to_bytes().unwrap()).unwrap();
            let token = again.mint(Some("k"), "JWT", &json!({"sub": "ann"})).unwrap();
            let read = Unverified::parse(token.expose()).unwrap().verify(key.verifying_key());
            assert_eq!(read.unwrap().string("sub"), Ok(Some("ann")), "{alg}");
        }
    }

    #[test]
    fn seeded_entropy_makes_the_same_ed25519_key() {
        struct Counting;
        impl Entropy for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                (0..).zip(bytes).for_each(|(n, byte)| *byte = n);
            }
        }
        let [one, two] = [0, 1].map(|_| SigningKeyPair::generate(Alg::EdDSA, &Counting).unwrap());
        assert_eq!(one.new_kid(&OsEntropy), two.new_kid(&OsEntropy));
    }

    #[test]
    fn an_asymmetric_key_is_named_by_its_thumbprint_and_published() {
        let key = SigningKeyPair::generate(Alg::ES256, &OsEntropy).unwrap();
        let kid = key.new_kid(&OsEntropy);
        let jwk = key.public_jwk(&kid).unwrap();
        let published = VerifyingKey::from_jwk(&jwk, Alg::ES256).unwrap();
        assert_eq!(published.thumbprint(), Some(kid));
    }

    #[test]
    fn a_signer_mints_what_its_key_mints() {
        let key = Arc::new(SigningKeyPair::generate(Alg::HS256, &OsEntropy).unwrap());
        let signer = Signer::new(Arc::clone(&key), Some("k1"), "at+jwt").unwrap();
        let claims = json!({"sub": "ann"});
        let expected = key.mint(Some("k1"), "at+jwt", &claims).unwrap();
        assert_eq!(signer.mint(&claims).unwrap().expose(), expected.expose());
    }

    #[test]
    fn keys_of_another_kind_do_not_load() {
        let key = SigningKeyPair::generate(Alg::ES256, &OsEntropy).unwrap();
        let der = key.to_bytes().unwrap();
        for alg in [Alg::ES384, Alg::EdDSA, Alg::RS256] {
            assert_eq!(SigningKeyPair::from_bytes(alg, &der).err(), Some(KeyError::Rejected), "{alg}");
        }
    }
}
