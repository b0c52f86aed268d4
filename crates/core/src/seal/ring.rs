//! The master keys of an installation, in the order of the file that holds them.

use std::{fmt, iter};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    entropy::Entropy,
    error::{AuthError, Rule},
};

const KEY_LEN: usize = 32;

/// Names a master key without telling it: the first 32 bits of its SHA-256, in hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId([u8; 4]);

impl MasterKeyId {
    /// Reads eight lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let whole = text.len() == 8 && text.bytes().all(lower_hex);
        whole.then(|| u32::from_str_radix(text, 16).ok())?.map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeyId({self})")
    }
}

/// A key of AES-256. It is wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_LEN]>);

impl MasterKey {
    fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        entropy.fill(&mut *bytes);
        Self(bytes)
    }

    fn parse(text: &str) -> Result<Self, AuthError> {
        let refuse = |rule| Err(AuthError::invalid("master_key", rule));
        let Ok(decoded) = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new) else {
            return refuse(Rule::Malformed);
        };
        // One byte again and again is a placeholder that somebody forgot to replace.
        if decoded.len() < KEY_LEN || decoded.iter().all(|byte| *byte == decoded[0]) {
            return refuse(Rule::KeyTooWeak);
        }
        if decoded.len() != KEY_LEN {
            return refuse(Rule::Malformed);
        }
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        bytes.copy_from_slice(&decoded);
        Ok(Self(bytes))
    }

    /// The id that sealed secrets carry.
    pub fn id(&self) -> MasterKeyId {
        let digest = digest(&SHA256, &*self.0);
        let bytes = digest.as_ref();
        MasterKeyId([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    pub(super) fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// The master keys: one seals, the others still open what they sealed before.
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: MasterKey,
    older: Vec<MasterKey>,
}

impl KeyRing {
    /// A ring of one new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self { current: MasterKey::generate(entropy), older: Vec::new() }
    }

    /// Reads the text of a key file: a key in base64url per line, the first is the current one; `#` starts a comment.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        let mut keys = text
            .lines()
            .map(|line| line.split_once('#').map_or(line, |(before, _)| before).trim())
            .filter(|line| !line.is_empty())
            .map(MasterKey::parse);
        let current = keys.next().ok_or_else(|| AuthError::invalid("master_key", Rule::Required))??;
        Ok(Self { current, older: keys.collect::<Result<_, _>>()? })
    }

    /// The text of a key file, for [`Self::parse`].
    pub fn to_text(&self) -> Zeroizing<String> {
        let header = "# Master keys of this installation. The first seals, the others still open.\n\
                      # Without this file the secrets in the database are lost.\n";
        // The full length at once: growing would leave copies of keys behind.
        let mut text = Zeroizing::new(String::with_capacity(header.len() + (1 + self.older.len()) * 44));
        text.push_str(header);
        for key in self.keys() {
            let line = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose()));
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// A ring in which a new key seals and all present ones still open.
    #[must_use]
    pub fn rotated(&self, entropy: &dyn Entropy) -> Self {
        Self { current: MasterKey::generate(entropy), older: self.keys().cloned().collect() }
    }

    /// The key that seals.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// All keys, the current one first.
    pub fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        iter::once(&self.current).chain(&self.older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    fn ids(ring: &KeyRing) -> Vec<MasterKeyId> {
        ring.keys().map(MasterKey::id).collect()
    }

    #[test]
    fn a_ring_survives_its_file_and_a_rotation() {
        let ring = KeyRing::generate(&OsEntropy);
        let rotated = ring.rotated(&OsEntropy);
        assert_eq!(ids(&KeyRing::parse(&rotated.to_text()).expect("readable")), ids(&rotated));
        assert_eq!(ids(&rotated)[1..], ids(&ring));
        assert_ne!(ids(&rotated)[0], ids(&ring)[0]);
    }

    #[test]
    fn a_key_file_with_anything_but_keys_is_refused() {
        let refusal = |text: &str| match KeyRing::parse(text) {
            Err(AuthError::Invalid(violations)) => Some(violations[0].rule),
            _ => None,
        };
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        assert_eq!(refusal(&format!("\n# note\n  {key}  # ours\r\n")), None);
        assert_eq!(refusal("# nothing\n"), Some(Rule::Required));
        assert_eq!(refusal(&key[..40]), Some(Rule::KeyTooWeak));
        assert_eq!(refusal(&"A".repeat(43)), Some(Rule::KeyTooWeak));
        assert_eq!(refusal(&format!("{key}{key}")), Some(Rule::Malformed));
        assert_eq!(refusal(&format!("{key}\nnot a key")), Some(Rule::Malformed));
    }

    #[test]
    fn an_id_is_the_head_of_the_digest_and_all_that_prints() {
        let ring = KeyRing::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("readable");
        assert_eq!(format!("{ring:?}"), "KeyRing { current: MasterKey(630dcd29), older: [] }");
        assert_eq!(MasterKeyId::parse("630dcd29"), Some(ring.current().id()));
        assert_eq!(MasterKeyId::parse("630DCD29"), None);
    }
}
