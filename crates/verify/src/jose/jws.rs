//! Reading the compact serialization (RFC 7515 3.1, 7.1).

use serde_json::Value;

use super::{
    Alg, Key, decode,
    json::{self, Members},
};
use crate::refusal::Refusal;

/// The longest token looked at, in bytes; a longer one is refused unread.
const MAX_TOKEN: usize = 16 * 1024;
/// The longest `kid` read, in bytes.
const MAX_KID: usize = 128;

/// A token of good form that nothing vouches for yet.
pub struct Unverified<'a> {
    /// What its header says the algorithm is.
    pub alg: Alg,
    /// The name of its key: compared, never interpreted (RFC 8725 3.10).
    pub kid: Option<String>,
    /// What kind of token it is (RFC 8725 3.11).
    pub typ: Option<String>,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Splits a token, decodes it and reads its header.
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::Malformed);
        }
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(Refusal::Malformed);
        };
        let signed = &token[..header.len() + 1 + payload.len()];
        let [header, payload, signature] = [header, payload, signature].map(decode);
        let (alg, kid, typ) = read_header(&header.ok_or(Refusal::Malformed)?)?;
        let payload = payload.ok_or(Refusal::Malformed)?;
        let signature = signature.ok_or(Refusal::Malformed)?;
        Ok(Self { alg, kid, typ, signed, payload, signature })
    }

    /// The payload, once algorithm and signature are those of `key`.
    pub fn payload(&self, key: &Key) -> Result<&[u8], Refusal> {
        if self.alg != key.alg() {
            return Err(Refusal::Algorithm);
        }
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(Refusal::Signature);
        }
        Ok(&self.payload)
    }

    /// The claims, once algorithm and signature are those of `key`.
    pub fn claims(&self, key: &Key) -> Result<Members, Refusal> {
        json::object(self.payload(key)?)
    }
}

fn read_header(bytes: &[u8]) -> Result<(Alg, Option<String>, Option<String>), Refusal> {
    let members = json::object(bytes).map_err(|_| Refusal::Malformed)?;
    let (mut alg, mut kid, mut typ) = (None, None, None);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("alg", Value::String(text)) => alg = Some(text),
            ("kid", Value::String(text)) => kid = Some(text),
            ("typ", Value::String(text)) => typ = Some(text),
            // `crit` names extensions that must be understood, and we know none; the others change what the payload is.
            ("alg" | "kid" | "typ" | "crit" | "b64" | "zip" | "enc", _) => return Err(Refusal::Malformed),
            // A token does not bring the key that it is judged by (RFC 8725 3.10).
            ("jku" | "jwk" | "x5u" | "x5c", _) => return Err(Refusal::Key),
            // Others must be ignored (RFC 7515 4).
            _ => {}
        }
    }
    let alg = Alg::parse(&alg.ok_or(Refusal::Malformed)?).ok_or(Refusal::Algorithm)?;
    let is_usable = |kid: &String| !kid.is_empty() && kid.len() <= MAX_KID && !kid.contains(char::is_control);
    if kid.as_ref().is_some_and(|kid| !is_usable(kid)) {
        return Err(Refusal::Key);
    }
    Ok((alg, kid, typ))
}
