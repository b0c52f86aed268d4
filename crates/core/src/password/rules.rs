//! What a new password must be: long enough and not easy to guess. No rules of composition (SP 800-63B).

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::common;
use crate::{
    error::{AuthError, Rule},
    secret::Password,
};

/// The longest password, in code points. Far above any typed one; it bounds what a request can make us normalise.
const MAX_LENGTH: usize = 1024;

/// From this length on a password must not be easy to guess. Below it every password is.
///
/// Only a project that asks for fewer than eight characters can get there. It does so for old clients whose users
/// have passwords like `test`; it has given guessing up, and refusing some of them would help nobody.
const GUESSABLE_FROM: usize = 8;

/// A project's rules for new passwords. Passwords set before are not measured by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// The fewest code points; reading it from text refuses less than [`Self::LEAST`].
    #[serde(deserialize_with = "min_length")]
    pub min_length: usize,
}

impl PasswordPolicy {
    /// The least that a project may ask for.
    pub const LEAST: usize = 4;

    /// Applies the rules to a new password. `context` names the user and the application: e-mail address, names,
    /// the application's and the project's name; a password that says only those is refused.
    ///
    /// Nothing is trimmed or cut: spaces and emoji count as typed, after NFC.
    pub fn check(self, password: &Password, context: &[&str]) -> Result<NormalizedPassword, AuthError> {
        let refuse = |rule| Err(AuthError::invalid("password", rule));
        let (password, length) = NormalizedPassword::read(password);
        let least = self.min_length.max(Self::LEAST);
        if length > MAX_LENGTH {
            return refuse(Rule::TooLong(MAX_LENGTH));
        }
        if length < least {
            return refuse(Rule::TooShort(least));
        }
        let text = password.expose();
        if length >= GUESSABLE_FROM && (common::is_common(text) || common::names(text, context)) {
            return refuse(Rule::Common);
        }
        Ok(password)
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 8 }
    }
}

fn min_length<'de, D: Deserializer<'de>>(input: D) -> Result<usize, D::Error> {
    let length = usize::deserialize(input)?;
    if (PasswordPolicy::LEAST..=MAX_LENGTH).contains(&length) {
        Ok(length)
    } else {
        Err(D::Error::custom(format_args!("min_length must be {} to {MAX_LENGTH}", PasswordPolicy::LEAST)))
    }
}

/// A password in Unicode's form C, of at most 1,024 code points: what is hashed.
#[derive(Clone)]
pub struct NormalizedPassword(SecretString);

impl NormalizedPassword {
    /// The whole text in form C and its length, or of a longer one its first 1,024 code points and 1,025.
    fn read(password: &Password) -> (Self, usize) {
        let mut length = 0;
        // With room for all that can come no copy is left behind in memory by growing.
        let room = password.expose().len().saturating_mul(3).min(MAX_LENGTH * 4);
        let mut text = Zeroizing::new(String::with_capacity(room));
        for char in password.expose().nfc().take(MAX_LENGTH + 1) {
            length += 1;
            if length <= MAX_LENGTH {
                text.push(char);
            }
        }
        (Self(SecretString::from(text.as_str())), length)
    }

    /// A password to compare. The second value is false if it is too long to be anybody's.
    pub(super) fn presented(password: &Password) -> (Self, bool) {
        let (password, length) = Self::read(password);
        (password, length <= MAX_LENGTH)
    }

    /// The text, for hashing only.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for NormalizedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NormalizedPassword(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(policy: PasswordPolicy, text: &str) -> Option<Rule> {
        match policy.check(&Password::new(text), &["ann@example.org", "acme"]) {
            Ok(_) => None,
            Err(AuthError::Invalid(violations)) => Some(violations[0].rule),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn length_counts_code_points_of_the_composed_text() {
        let policy = PasswordPolicy::default();
        assert_eq!(refusal(policy, "e\u{301}e\u{301}e\u{301}e\u{301}"), Some(Rule::TooShort(8)));
        assert_eq!(refusal(policy, "\u{1F98A}\u{1F40C}\u{1F33B}\u{1F3B7}\u{1F6B2}\u{1F9F2}\u{1F9C0}\u{26F5}"), None);
        assert_eq!(refusal(policy, &"ab c".repeat(257)), Some(Rule::TooLong(1024)));
        assert_eq!(refusal(policy, &"ab cdx".repeat(100)), None);
    }

    #[test]
    fn a_text_is_the_same_password_composed_or_not() {
        let read = |text| NormalizedPassword::read(&Password::new(text)).0;
        assert_eq!(read("cafe\u{301}").expose(), read("caf\u{e9}").expose());
    }

    #[test]
    fn old_clients_may_have_four_letters_but_eight_must_not_be_common() {
        let policy = PasswordPolicy { min_length: 4 };
        assert_eq!(refusal(policy, "test"), None);
        assert_eq!(refusal(policy, "tes"), Some(Rule::TooShort(4)));
        assert_eq!(refusal(policy, "test1234"), Some(Rule::Common));
        assert_eq!(refusal(policy, "acme2026"), Some(Rule::Common));
    }

    #[test]
    fn a_policy_below_four_is_not_read() {
        let read = |text| serde_json::from_str::<PasswordPolicy>(text).ok();
        assert_eq!(read("{}"), Some(PasswordPolicy { min_length: 8 }));
        assert_eq!(read(r#"{"min_length":4}"#), Some(PasswordPolicy { min_length: 4 }));
        assert_eq!(read(r#"{"min_length":3}"#), None);
        assert_eq!(read(r#"{"min_len":9}"#), None);
    }
}
