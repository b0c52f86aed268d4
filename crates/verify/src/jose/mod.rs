//! Compact JWS with public keys (RFC 7515, RFC 8725): strict reading, one algorithm for each key.
//!
//! The server's own reader (`ringfence-core`) is not shared: it knows secrets, private keys and the refusals of the domain.
//! Both are judged by the same vectors, and a test holds them to the same verdicts.

mod alg;
mod json;
mod jws;
mod key;
#[cfg(test)]
mod wycheproof;

pub use alg::Alg;
pub use json::{Members, text};
pub use jws::Unverified;
pub use key::Key;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Base64url without padding and without a second spelling (RFC 7515 2).
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
