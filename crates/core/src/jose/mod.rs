//! Compact JWS (RFC 7515) with pinned algorithms and strict claims, for tokens we mint and assertions that customers sign.
//!
//! A token is read in two steps, because its key is found by what it says about itself:
//!
//! 1. [`Unverified::parse`] checks the form and gives the header.
//! 2. [`Unverified::verify`] checks algorithm, then signature, and only then gives the [`Claims`].
//!
//! A [`VerifyingKey`] is parsed once, is good for exactly one [`Alg`], and was refused at the door if weak (RFC 8725 3.1, 3.5).
//! [`SigningKeyPair`] is its private side; a [`Signer`] is a key pair with its header prepared.

mod alg;
mod claims;
mod compact;
mod der;
mod json;
mod key;
mod sign;
mod weak;

pub use alg::{Alg, Family};
pub use claims::{Claims, Times, Validity};
pub use compact::{Header, MAX_KID, MAX_TOKEN, Unverified};
pub use json::MAX_DEPTH;
pub use key::{KeyError, MIN_SECRET, VerifyingKey};
pub use sign::{RsaSize, Signer, SigningKeyPair};

/// The key's own bytes within a DER `SubjectPublicKeyInfo`.
pub(crate) fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    der::public_key_info(spki).map(|(_, key)| key)
}
