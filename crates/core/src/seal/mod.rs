//! Secrets that must be read back, sealed under the installation's master key.
//!
//! Signing keys, shared secrets of issuers and the like are stored only so. A blob says which key sealed it, so keys
//! can be rotated while old blobs still open, and it opens only in the place it was sealed for.

mod ring;

use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

pub use ring::{KeyRing, MasterKey, MasterKeyId};

use crate::{
    entropy::{Entropy, random},
    error::AuthError,
};

const VERSION: &str = "v1";
const TAG_LEN: usize = 16;

/// A sealed secret as the store keeps it: `v1.<key id>.<base64url of nonce, ciphertext and tag>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(String);

impl Sealed {
    /// The blob that [`Self::as_str`] once gave to the store; read when it is opened.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text the store keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the key that sealed it, as written in it.
    fn key_id(&self) -> Option<MasterKeyId> {
        Some(self.parts()?.0)
    }

    fn parts(&self) -> Option<(MasterKeyId, &str)> {
        let (version, rest) = self.0.split_once('.')?;
        let (id, body) = rest.split_once('.')?;
        (version == VERSION).then_some((MasterKeyId::parse(id)?, body))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key_id() {
            Some(id) => write!(f, "Sealed({id}…)"),
            None => f.write_str("Sealed(unreadable)"),
        }
    }
}

/// Why a sealed secret did not open: the cause inside an internal error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not the text of a sealed secret.
    #[error("a sealed secret is unreadable")]
    Malformed,
    /// Sealed with a key that the ring does not hold.
    #[error("a secret was sealed with master key {0}, which is not in the ring")]
    UnknownKey(MasterKeyId),
    /// Changed since it was sealed, or sealed for another place.
    #[error("a sealed secret was changed or moved")]
    NotAuthentic,
}

impl From<OpenError> for AuthError {
    fn from(cause: OpenError) -> Self {
        Self::internal(cause)
    }
}

/// What a secret that is not random enough for a plain digest is found by: an HMAC under a key derived from a master key.
#[derive(Clone, PartialEq, Eq)]
pub struct LookupHash(String);

impl LookupHash {
    /// As stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text the store keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LookupHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookupHash(…)")
    }
}

/// What the keys of lookups are derived with.
const LOOKUP: &[u8] = b"ringfence lookup v1";

/// Seals with the current key of a ring and opens with any of it. Clones share the keys.
#[derive(Clone)]
pub struct Sealer {
    current: MasterKeyId,
    keys: Arc<BTreeMap<MasterKeyId, LessSafeKey>>,
    /// In the order of the ring.
    lookups: Arc<[hmac::Key]>,
}

impl Sealer {
    /// A sealer that uses `ring`.
    pub fn new(ring: &KeyRing) -> Self {
        Self {
            current: ring.current().id(),
            keys: Arc::new(ring.keys().map(prepared).collect()),
            lookups: ring.keys().map(lookup_key).collect(),
        }
    }

    /// Seals `plaintext` for one place, `context`: the table and the row's id, such as `signing_key/0190…`.
    pub fn seal(&self, plaintext: &[u8], context: &str, entropy: &dyn Entropy) -> Sealed {
        let blob = encrypt(&self.keys[&self.current], random::<NONCE_LEN>(entropy), plaintext, context);
        Sealed(format!("{VERSION}.{}.{}", self.current, URL_SAFE_NO_PAD.encode(blob)))
    }

    /// Opens what was sealed for `context`. Anything else is an internal error with an [`OpenError`] as its source.
    pub fn open(&self, sealed: &Sealed, context: &str) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        let (id, body) = sealed.parts().ok_or(OpenError::Malformed)?;
        let key = self.keys.get(&id).ok_or(OpenError::UnknownKey(id))?;
        let mut blob = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).map_err(|_| OpenError::Malformed)?);
        let (nonce, ciphertext) = blob.split_first_chunk_mut::<NONCE_LEN>().ok_or(OpenError::Malformed)?;
        let plaintext = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad(context), ciphertext)
            .map_err(|_| OpenError::NotAuthentic)?;
        Ok(Zeroizing::new(plaintext.to_vec()))
    }

    /// What `secret` is found by in the place `context`, by the current key and then by each older one: until a rewrap, rows
    /// have either.
    pub fn lookups<'a>(&'a self, secret: &'a [u8], context: &'a str) -> impl Iterator<Item = LookupHash> + 'a {
        self.lookups.iter().map(move |key| looked_up(key, secret, context))
    }

    /// What `secret` is to be found by from now on.
    pub fn lookup(&self, secret: &[u8], context: &str) -> LookupHash {
        looked_up(&self.lookups[0], secret, context)
    }

    /// Whether it was sealed with another key than the current one.
    pub fn needs_rewrap(&self, sealed: &Sealed) -> bool {
        sealed.key_id() != Some(self.current)
    }

    /// Opens it and seals it again with the current key.
    pub fn rewrap(&self, sealed: &Sealed, context: &str, entropy: &dyn Entropy) -> Result<Sealed, AuthError> {
        Ok(self.seal(&self.open(sealed, context)?, context, entropy))
    }

    /// The ids of the keys it can open with, to compare at start with those the database was sealed with.
    pub fn fingerprint(&self) -> impl Iterator<Item = MasterKeyId> {
        self.keys.keys().copied()
    }
}

fn prepared(key: &MasterKey) -> (MasterKeyId, LessSafeKey) {
    let unbound = UnboundKey::new(&AES_256_GCM, key.expose()).expect("a master key has 32 bytes");
    (key.id(), LessSafeKey::new(unbound))
}

/// A key of its own, so that a sealing key never signs anything.
fn lookup_key(key: &MasterKey) -> hmac::Key {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), LOOKUP);
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}

fn looked_up(key: &hmac::Key, secret: &[u8], context: &str) -> LookupHash {
    let text = Zeroizing::new([context.as_bytes(), b"\0", secret].concat());
    LookupHash(URL_SAFE_NO_PAD.encode(hmac::sign(key, &text)))
}

/// Nonce, ciphertext and tag.
fn encrypt(key: &LessSafeKey, nonce: [u8; NONCE_LEN], plaintext: &[u8], context: &str) -> Vec<u8> {
    // The full length at once: growing would leave a copy of the plaintext behind.
    let mut blob = Vec::with_capacity(NONCE_LEN + plaintext.len() + TAG_LEN);
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(plaintext);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, aad(context), &mut blob[NONCE_LEN..])
        .expect("a secret is far shorter than AES-GCM's limit");
    blob.extend_from_slice(tag.as_ref());
    blob
}

/// The version is bound too, so that a later form cannot be passed off as this one.
fn aad(context: &str) -> Aad<Vec<u8>> {
    Aad::from([VERSION, "\0", context].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    fn sealer() -> Sealer {
        Sealer::new(&KeyRing::generate(&OsEntropy))
    }

    fn refusal(opened: Result<Zeroizing<Vec<u8>>, AuthError>) -> Option<OpenError> {
        match opened {
            Err(AuthError::Internal(cause)) => cause.downcast_ref().cloned(),
            _ => None,
        }
    }

    #[test]
    fn a_secret_opens_in_its_place_and_nowhere_else() {
        let sealer = sealer();
        let blob = sealer.seal(b"hs256 secret", "issuer/1", &OsEntropy);
        assert_eq!(sealer.open(&blob, "issuer/1").expect("opens").as_slice(), b"hs256 secret");
        assert_eq!(refusal(sealer.open(&blob, "issuer/2")), Some(OpenError::NotAuthentic));
        assert_eq!(sealer.open(&sealer.seal(b"", "x", &OsEntropy), "x").expect("opens").as_slice(), b"");
    }

    #[test]
    fn a_blob_with_any_character_changed_or_cut_does_not_open() {
        let sealer = sealer();
        let blob = sealer.seal(b"secret", "issuer/1", &OsEntropy);
        for at in 0..blob.as_str().len() {
            let mut bytes = blob.as_str().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = Sealed::stored(String::from_utf8(bytes).expect("ASCII"));
            assert!(refusal(sealer.open(&changed, "issuer/1")).is_some(), "{at}");
            let cut = Sealed::stored(blob.as_str()[..at].to_owned());
            assert!(refusal(sealer.open(&cut, "issuer/1")).is_some(), "{at}");
        }
    }

    #[test]
    fn a_rotated_ring_opens_old_secrets_and_a_foreign_ring_does_not() {
        let old_ring = KeyRing::generate(&OsEntropy);
        let (old, new) = (Sealer::new(&old_ring), Sealer::new(&old_ring.rotated(&OsEntropy)));
        let blob = old.seal(b"secret", "issuer/1", &OsEntropy);
        assert!(new.needs_rewrap(&blob) && !old.needs_rewrap(&blob));
        let again = new.rewrap(&blob, "issuer/1", &OsEntropy).expect("opens");
        assert!(!new.needs_rewrap(&again));
        assert_eq!(new.open(&again, "issuer/1").expect("opens").as_slice(), b"secret");
        assert_eq!(refusal(old.open(&again, "issuer/1")), again.key_id().map(OpenError::UnknownKey));
        assert_eq!(new.fingerprint().count(), 2);
    }

    #[test]
    fn a_lookup_depends_on_key_place_and_secret_and_survives_a_rotation() {
        let ring = KeyRing::generate(&OsEntropy);
        let (old, new) = (Sealer::new(&ring), Sealer::new(&ring.rotated(&OsEntropy)));
        let hash = old.lookup(b"ha1b", "sip");
        assert_eq!(new.lookups(b"ha1b", "sip").position(|found| found == hash), Some(1));
        assert!(
            hash != new.lookup(b"ha1b", "sip") && hash != old.lookup(b"ha1b", "s") && hash != old.lookup(b"ha1", "sip")
        );
        assert_eq!(format!("{hash:?}"), "LookupHash(…)");
    }

    #[test]
    fn a_sealed_secret_prints_only_the_id_of_its_key() {
        let ring = KeyRing::generate(&OsEntropy);
        let blob = Sealer::new(&ring).seal(b"secret", "issuer/1", &OsEntropy);
        assert_eq!(format!("{blob:?}"), format!("Sealed({}…)", ring.current().id()));
        assert_eq!(format!("{:?}", Sealed::stored("v1.x.y".to_owned())), "Sealed(unreadable)");
    }
}
