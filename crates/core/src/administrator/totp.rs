//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, thirty seconds, what every generator can do.
//!
//! Not from a library: those answer whether a code is right now, and what must be stored is the step it was right for, so that it
//! works once (docs/adr/0024).

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    entropy::{Entropy, random},
    seal::Sealed,
    time::Timestamp,
};

const STEP_SECONDS: i64 = 30;
/// Codes of the step before and after count, for clocks that are not quite right (RFC 6238 5.2).
const DRIFT: i64 = 1;

/// A generator as stored.
#[derive(Clone, Debug)]
pub struct Totp {
    /// The seed.
    pub seed: Sealed,
    /// The last step whose code was used.
    pub used_step: i64,
}

/// The secret that a generator and we share: 160 bits.
#[derive(Clone)]
pub struct TotpSeed(Zeroizing<Vec<u8>>);

impl TotpSeed {
    /// A new one.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(random::<20>(entropy).to_vec()))
    }

    /// One that was sealed.
    pub fn opened(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Its bytes, for sealing.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// As generators take it when it is typed (RFC 4648, base 32 without padding).
    pub fn base32(&self) -> String {
        const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
        for byte in self.0.iter() {
            held = held << 8 | u32::from(*byte);
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                text.push(char::from(DIGITS[(held >> bits & 31) as usize]));
            }
            held &= (1 << bits) - 1;
        }
        if bits > 0 {
            text.push(char::from(DIGITS[(held << (5 - bits) & 31) as usize]));
        }
        text
    }

    /// The code of a step (RFC 4226 5.3).
    fn code(&self, step: i64) -> [u8; 6] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let mut number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]) % 1_000_000;
        let mut digits = [0; 6];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        digits
    }

    /// The step that `code` is right for now, if there is one; every step is looked at, so that time tells nothing.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let typed: Vec<u8> = code.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let present = now.seconds().div_euclid(STEP_SECONDS);
        let mut found = None;
        for step in present - DRIFT..=present + DRIFT {
            if bool::from(self.code(step)[..].ct_eq(&typed)) {
                found = Some(step);
            }
        }
        found
    }

    /// The code of this moment, as a generator shows it: for tests.
    #[cfg(feature = "testing")]
    pub fn code_at(&self, now: Timestamp) -> String {
        String::from_utf8_lossy(&self.code(now.seconds().div_euclid(STEP_SECONDS))).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> TotpSeed {
        TotpSeed(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(rfc().step_of(code, now), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn n80_codes_two_steps_away_are_refused() {
        let now = Timestamp::from_seconds(1_111_111_109);
        let code = |step: i64| String::from_utf8(rfc().code(now.seconds() / 30 + step).to_vec()).unwrap();
        for (step, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            assert_eq!(rfc().step_of(&code(step), now).is_some(), counts, "{step}");
        }
        assert_eq!(rfc().step_of("", now), None);
        assert_eq!(rfc().step_of(&code(0)[..5], now), None);
        assert_eq!(rfc().step_of(&format!("{}0", code(0)), now), None);
    }

    #[test]
    fn the_typed_form_is_base_32() {
        assert_eq!(rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSeed(Zeroizing::new(b"fo".to_vec())).base32(), "MZXQ");
    }
}
