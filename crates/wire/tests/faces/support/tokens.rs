//! Tokens as an integrator signs them, and as somebody forges them.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::jose::{Alg, Signer, SigningKeyPair};
use serde_json::Value;

/// A token with these claims, signed with HS256.
pub fn signed(secret: &str, claims: &Value) -> String {
    signed_by(Alg::HS256, secret, claims)
}

/// A token with these claims.
pub fn signed_by(alg: Alg, secret: &str, claims: &Value) -> String {
    let pair = SigningKeyPair::from_bytes(alg, secret.as_bytes()).unwrap();
    Signer::new(Arc::new(pair), None, "JWT").unwrap().mint(claims).unwrap().expose().to_owned()
}

/// A token of any header and claims with the signature of nothing.
pub fn forged(header: &str, claims: &Value) -> String {
    let [header, claims] = [header.to_owned(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 32]))
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    segment(token, 1)
}

/// What a token says of itself.
pub fn header(token: &str) -> Value {
    segment(token, 0)
}

fn segment(token: &str, nth: usize) -> Value {
    let segment = token.trim_start_matches("JWT ").split('.').nth(nth).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}
