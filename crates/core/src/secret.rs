//! Secrets as types: they do not print, do not compare by accident, and are stored as digests or sealed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, random};

/// A password as somebody typed it.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Wraps the text; no rule is applied here (see [`crate::password`]).
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for hashing and comparing only.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A token as somebody presented it: a JWS, an opaque token or an API key. Copies share the text, and what is made of it once.
#[derive(Clone)]
pub struct RawToken(Arc<Shown>);

struct Shown {
    text: SecretString,
    fingerprint: OnceLock<Fingerprint>,
}

/// SHA-256 of a token, to know it again by while the process runs.
pub(crate) type Fingerprint = [u8; 32];

impl RawToken {
    /// Wraps the text, unread.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Shown { text: SecretString::from(text.into()), fingerprint: OnceLock::new() }))
    }

    /// The text, for verifying and for handing it to its owner once.
    pub fn expose(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// The digest of the whole text, made once.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        self.0.fingerprint.get_or_init(|| {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.expose().as_bytes());
            digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
        })
    }

    /// What the store may keep of it.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.expose().as_bytes())
    }
}

macro_rules! redacted {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                String::deserialize(input).map(Self::new)
            }
        }
    };
}
redacted!(Password);
redacted!(RawToken);

/// SHA-256 of a token as 43 characters of base64url: the only form of a token that the store accepts.
///
/// Tokens carry at least 128 random bits, so a plain digest is enough.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenDigest(String);

impl TokenDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)))
    }

    /// As stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text the store keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({}…)", self.0.get(..6).unwrap_or_default())
    }
}

/// What an opaque token of ours is for. The prefix makes a leaked one recognisable and keeps the kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An API key of a project.
    ApiKey,
    /// A one-time secret sent out of band.
    Verification,
    /// What a guest is known again by.
    GuestTicket,
    /// A refresh token.
    Refresh,
    /// What opens a socket in place of a token.
    SocketTicket,
    /// What a lost connection comes back with.
    Resume,
    /// A session of the console.
    Console,
    /// A one-time link to the console.
    ConsoleLink,
}

/// Bytes of the checksum at the end.
const CHECKSUM: usize = 4;

impl TokenKind {
    const ALL: [Self; 8] = [
        Self::ApiKey,
        Self::Verification,
        Self::GuestTicket,
        Self::Refresh,
        Self::SocketTicket,
        Self::Resume,
        Self::Console,
        Self::ConsoleLink,
    ];

    const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "rfk_",
            Self::Verification => "rfv_",
            Self::GuestTicket => "rfg_",
            Self::Refresh => "rfr_",
            Self::SocketTicket => "rfs_",
            Self::Resume => "rft_",
            Self::Console => "rfc_",
            Self::ConsoleLink => "rfl_",
        }
    }

    /// How many secret bytes a token of this kind has; any number, if none.
    const fn secret_len(self) -> Option<usize> {
        match self {
            Self::ApiKey | Self::Verification | Self::GuestTicket | Self::Console | Self::ConsoleLink => Some(32),
            Self::Refresh => Some(48),
            // The text of a sealed session id.
            Self::SocketTicket => Some(71),
            // The text of something sealed.
            Self::Resume => None,
        }
    }

    /// Makes a token of this kind from 32 random bytes.
    pub fn mint(self, entropy: &dyn Entropy) -> RawToken {
        self.assemble(&random::<32>(entropy))
    }

    /// A token of this kind: prefix, secret and a 4-byte checksum, all URL-safe.
    pub(crate) fn assemble(self, secret: &[u8]) -> RawToken {
        let mut bytes = Zeroizing::new(secret.to_vec());
        bytes.extend_from_slice(&self.checksum(secret));
        RawToken::new(format!("{}{}", self.prefix(), URL_SAFE_NO_PAD.encode(&*bytes)))
    }

    /// The kind whose prefix and checksum `token` carries; `None` for anything truncated, extended or foreign.
    pub fn of(token: &RawToken) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.secret(token).is_some())
    }

    /// The secret bytes of a token, if it is of this kind.
    pub(crate) fn secret(self, token: &RawToken) -> Option<Zeroizing<Vec<u8>>> {
        let text = token.expose().strip_prefix(self.prefix())?;
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let length = self.secret_len().or_else(|| bytes.len().checked_sub(CHECKSUM))?;
        let (secret, checksum) = bytes.split_at_checked(length)?;
        if checksum != self.checksum(secret) {
            return None;
        }
        bytes.truncate(length);
        Some(bytes)
    }

    /// Tells a typing error from a wrong token without asking the store; it protects nothing.
    fn checksum(self, secret: &[u8]) -> [u8; CHECKSUM] {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        context.update(self.prefix().as_bytes());
        context.update(secret);
        let digest = context.finish();
        let bytes = digest.as_ref();
        [bytes[0], bytes[1], bytes[2], bytes[3]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?} {:?}", Password::new("hunter22"), RawToken::new("abc")), "Password(…) RawToken(…)");
    }

    #[test]
    fn n24_an_opaque_token_cut_extended_or_recased_is_of_no_kind() {
        let token = TokenKind::ApiKey.mint(&OsEntropy);
        assert_eq!(TokenKind::of(&token), Some(TokenKind::ApiKey));
        let text = token.expose();
        for end in 0..text.len() {
            assert_eq!(TokenKind::of(&RawToken::new(&text[..end])), None);
        }
        assert_eq!(TokenKind::of(&RawToken::new(format!("{text}A"))), None);
        assert_eq!(TokenKind::of(&RawToken::new(text.to_uppercase())), None);
        assert_eq!(TokenKind::of(&RawToken::new(text.replace("rfk_", "rfv_"))), None);
    }
}
