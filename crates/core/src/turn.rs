//! Credentials of relays of media: a name that says when it ends, and a password that a relay recomputes from a shared secret.
//!
//! Relays ask nobody: a credential counts until its time is over, whatever happened to its owner since. So it is short, and never
//! outlives the session that it was asked for with.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    entropy::{Entropy, random},
    secret::RawToken,
    time::Timestamp,
};

/// A secret that relays share with us: 64 hex digits.
#[derive(Clone)]
pub struct TurnSecret(SecretString);

impl TurnSecret {
    /// A new one of 256 random bits.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let [high, low] = [random(entropy), random(entropy)].map(u128::from_be_bytes);
        Self(format!("{high:032x}{low:032x}").into())
    }

    /// One of ours that somebody was shown: 64 hex digits, and nothing that is easier to guess.
    pub fn parse(text: String) -> Option<Self> {
        let whole = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        whole.then(|| Self(text.into()))
    }

    /// The text, for relays.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A credential that ends at `expires_at`. The name is `<unix seconds>:<user>`; other orders, and names without a user,
    /// are never made, though some relays take them.
    pub fn credential(&self, user: &str, expires_at: Timestamp) -> TurnCredential {
        let username = format!("{}:{user}", expires_at.seconds());
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose().as_bytes());
        let password = RawToken::new(STANDARD.encode(hmac::sign(&key, username.as_bytes())));
        TurnCredential { username, password, expires_at }
    }
}

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

/// For sealing only: what is serialised is sealed at once.
impl Serialize for TurnSecret {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for TurnSecret {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input).map(|text| Self(text.into()))
    }
}

/// The secrets of an installation. Both count at the relays; credentials are made with the current one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TurnSecrets {
    /// What credentials are made with.
    pub current: TurnSecret,
    /// What they were made with before, until the next rotation.
    pub previous: Option<TurnSecret>,
    /// Since when the current one is.
    pub since: Timestamp,
}

impl TurnSecrets {
    /// Those that relays take, the current one first.
    pub fn valid(&self) -> impl Iterator<Item = &TurnSecret> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

/// What a client shows a relay.
#[derive(Debug)]
pub struct TurnCredential {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: RawToken,
    /// Until when both count.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The password is from Python's `hmac`; clients/sip shows the like to a real relay.
    #[test]
    fn a_credential_is_what_relays_recompute() {
        let made = TurnSecret("north".into()).credential("ann", Timestamp::from_seconds(1_433_895_918));
        assert_eq!(made.username, "1433895918:ann");
        assert_eq!(made.password.expose(), "zAlhH20kpuDJR8ZKdq5vyQV+Ung=");
        assert_eq!(format!("{:?} {:?}", TurnSecret("north".into()), made.password), "TurnSecret(…) RawToken(…)");
    }
}
