//! Reading the compact serialization (RFC 7515 3.1, 7.1) strictly.

use std::{fmt, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{Alg, Claims, VerifyingKey, json};
use crate::error::TokenFault;

/// The longest token looked at, in bytes; a longer one is refused unread.
pub const MAX_TOKEN: usize = 16 * 1024;

/// The longest `kid` read, in bytes.
pub const MAX_KID: usize = 128;

/// What a header may tell us. It is only a hint for finding the key, until the signature verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The algorithm.
    pub alg: Alg,
    /// The key's name: to be compared, never to be interpreted (RFC 8725 3.10).
    pub kid: Option<String>,
    /// The kind of token (RFC 8725 3.11).
    pub typ: Option<String>,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, TokenFault> {
        let members = json::object(bytes).map_err(|_| TokenFault::Malformed)?;
        let (mut alg, mut kid, mut typ) = (None, None, None);
        for (name, value) in members {
            match (name.as_str(), value) {
                ("alg", Value::String(text)) => alg = Some(text),
                ("kid", Value::String(text)) => kid = Some(text),
                ("typ", Value::String(text)) => typ = Some(text),
                // `crit` names extensions that must be understood, and we know none; `b64` and `zip` change the payload.
                ("alg" | "kid" | "typ" | "crit" | "b64" | "zip" | "enc", _) => return Err(TokenFault::Malformed),
                // A token does not bring the key that it is to be judged by (RFC 8725 3.10).
                ("jku" | "jwk" | "x5u" | "x5c", _) => return Err(TokenFault::Key),
                // Others must be ignored (RFC 7515 4).
                _ => {}
            }
        }
        let alg = Alg::parse(&alg.ok_or(TokenFault::Malformed)?).ok_or(TokenFault::Algorithm)?;
        if kid.as_deref().is_some_and(|kid| !is_usable_kid(kid)) {
            return Err(TokenFault::Key);
        }
        Ok(Self { alg, kid, typ })
    }
}

fn is_usable_kid(kid: &str) -> bool {
    !kid.is_empty() && kid.len() <= MAX_KID && !kid.contains(char::is_control)
}

/// A token of good form that nobody has verified yet.
pub struct Unverified<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
    claims: OnceLock<Claims>,
}

impl<'a> Unverified<'a> {
    /// Splits a token, decodes its three segments and reads its header.
    ///
    /// [`TokenFault::Malformed`] unless it is three segments of canonical base64url and a strict header;
    /// [`TokenFault::Algorithm`] for an algorithm we do not know, `none` above all;
    /// [`TokenFault::Key`] if it brings its own key or an impossible `kid`.
    pub fn parse(token: &'a str) -> Result<Self, TokenFault> {
        if token.len() > MAX_TOKEN {
            return Err(TokenFault::Malformed);
        }
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(TokenFault::Malformed);
        };
        Ok(Self {
            signing_input: &token[..header.len() + 1 + payload.len()],
            header: Header::parse(&decode(header)?)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
            claims: OnceLock::new(),
        })
    }

    /// What the token says about its key.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The claims before anything vouches for them: only to find the key by, such as by `iss`.
    pub fn claims_unverified(&self) -> Result<&Claims, TokenFault> {
        if let Some(claims) = self.claims.get() {
            return Ok(claims);
        }
        let claims = Claims::parse(&self.payload)?;
        Ok(self.claims.get_or_init(|| claims))
    }

    /// The claims, once algorithm and signature are those of `key`.
    ///
    /// [`TokenFault::Algorithm`] if the header names another algorithm than the key's, [`TokenFault::Signature`] if the
    /// signature does not verify, then [`TokenFault::Malformed`] or [`TokenFault::Claims`] if the payload is not strict JSON.
    pub fn verify(self, key: &VerifyingKey) -> Result<Claims, TokenFault> {
        self.verify_payload(key)?;
        match self.claims.into_inner() {
            Some(claims) => Ok(claims),
            None => Claims::parse(&self.payload),
        }
    }

    /// The payload as bytes, once algorithm and signature are those of `key`; for a JWS whose payload is not claims.
    pub fn verify_payload(&self, key: &VerifyingKey) -> Result<&[u8], TokenFault> {
        if self.header.alg != key.alg() {
            return Err(TokenFault::Algorithm);
        }
        if !key.verifies(self.signing_input.as_bytes(), &self.signature) {
            return Err(TokenFault::Signature);
        }
        Ok(&self.payload)
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Refuses padding, other alphabets, and trailing bits that would give one signature several spellings.
fn decode(segment: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| TokenFault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, TokenFault> {
        Header::parse(text.as_bytes())
    }

    #[test]
    fn a_header_is_read_and_unknown_members_are_ignored() {
        let read = header(r#"{"typ":"at+jwt","alg":"ES256","kid":"k1","x5t":"abc","mine":[1]}"#).unwrap();
        assert_eq!(read, Header { alg: Alg::ES256, kid: Some("k1".to_owned()), typ: Some("at+jwt".to_owned()) });
    }

    #[test]
    fn the_worst_fault_does_not_depend_on_the_order_of_members() {
        for text in [r#"{"alg":"none","zip":"DEF"}"#, r#"{"zip":"DEF","alg":"none"}"#] {
            assert_eq!(header(text), Err(TokenFault::Malformed), "{text}");
        }
    }

    #[test]
    fn debug_shows_neither_payload_nor_signature() {
        let token = "eyJhbGciOiJIUzI1NiJ9.e30.AAAA";
        let shown = format!("{:?}", Unverified::parse(token).unwrap());
        assert_eq!(shown, "Unverified { header: Header { alg: HS256, kid: None, typ: None }, .. }");
    }
}
