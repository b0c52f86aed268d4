//! Public keys from a JWK Set (RFC 7517): parsed once, pinned to the one algorithm that they name.

use std::collections::HashMap;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use serde_json::Value;

use super::{
    Alg,
    alg::Scheme,
    decode,
    json::{self, Members},
};

/// A key that verifies signatures of exactly one algorithm.
#[derive(Debug)]
pub struct Key {
    alg: Alg,
    parsed: ParsedPublicKey,
}

impl Key {
    /// Reads a JWK; `None` if it names no algorithm, is weak, private or meant for something else.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let jwk = jwk.as_object()?;
        let alg = Alg::parse(member(jwk, "alg")?)?;
        let may_verify = match jwk.get("key_ops") {
            None => true,
            Some(operations) => operations.as_array()?.iter().any(|operation| operation == "verify"),
        };
        let is_for_signatures = jwk.get("use").is_none_or(|purpose| purpose == "sig");
        if !may_verify || !is_for_signatures || jwk.contains_key("d") {
            return None;
        }
        let is = |name, wanted: &str| (member(jwk, name)? == wanted).then_some(());
        let bytes = |name| decode(member(jwk, name)?);
        let parsed = match alg.scheme() {
            Scheme::Rsa(parameters) => {
                is("kty", "RSA")?;
                let (n, e) = (bytes("n")?, bytes("e")?);
                is_strong(&n, &e).then(|| RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok())??
            }
            Scheme::Ec { curve, coordinate, verify } => {
                is("kty", "EC")?;
                is("crv", curve)?;
                let point = [vec![4], bytes("x")?, bytes("y")?].concat();
                (point.len() == 1 + 2 * coordinate).then(|| ParsedPublicKey::new(verify, point).ok())??
            }
            Scheme::Ed25519 => {
                is("kty", "OKP")?;
                is("crv", "Ed25519")?;
                ParsedPublicKey::new(&signature::ED25519, bytes("x")?).ok()?
            }
        };
        Some(Self { alg, parsed })
    }

    /// The usable keys of a JWK Set by their `kid`; `None` if it is none. Keys that we cannot use are for others.
    pub fn read_set(bytes: &[u8]) -> Option<HashMap<String, Self>> {
        let set = json::object(bytes).ok()?;
        let named = |jwk: &Value| Some((jwk.get("kid")?.as_str()?.to_owned(), Self::from_jwk(jwk)?));
        Some(set.get("keys")?.as_array()?.iter().filter_map(named).collect())
    }

    /// The one algorithm.
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

/// 2048 to 8192 bits, and an exponent that is odd and above 2^16 (FIPS 186-5 A.1.1), in at most four bytes.
fn is_strong(modulus: &[u8], exponent: &[u8]) -> bool {
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let is_large = (3..=4).contains(&exponent.len()) && exponent[0] != 0;
    (2048..=8192).contains(&bits) && is_odd(modulus) && is_odd(exponent) && is_large
}

fn member<'a>(jwk: &'a Members, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}
