//! Keys of the right form that protect nothing.

use super::key::MIN_SECRET;

/// Whether a long enough secret can be guessed all the same: regular bytes, a shorter secret repeated, or a published one.
pub(super) fn is_guessable(secret: &[u8]) -> bool {
    let is_series = secret.windows(3).all(|w| w[1].wrapping_sub(w[0]) == w[2].wrapping_sub(w[1]));
    let repeats = |unit: usize| secret[unit..] == secret[..secret.len() - unit];
    is_series || (1..MIN_SECRET.min(secret.len() / 2 + 1)).any(repeats) || PUBLISHED_SECRETS.contains(&secret)
}

/// Secrets of tutorials and token debuggers that are long enough to pass otherwise.
const PUBLISHED_SECRETS: [&[u8]; 3] = [
    b"a-string-secret-at-least-256-bits-long",
    b"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    b"qwertyuiopasdfghjklzxcvbnm123456",
];

/// 2048 to 8192 bits; exponent odd and above 2^16 (FIPS 186-5 A.1.1), in at most four bytes.
pub(super) fn is_strong_rsa(modulus: &[u8], exponent: &[u8]) -> bool {
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    // Three bytes that do not begin with zero and are odd make 65537 at least.
    let is_large = (3..=4).contains(&exponent.len()) && exponent[0] != 0;
    (2048..=8192).contains(&bits) && is_odd(modulus) && is_odd(exponent) && is_large
}

/// Whether a point has an order of 8 or less: under such a key, one signature fits many messages.
pub(super) fn has_small_order(x: &[u8]) -> bool {
    let (last, rest) = x.split_last().map_or((0, x), |(last, rest)| (last & 0x7f, rest));
    SMALL_ORDER.iter().any(|point| rest == &point[..31] && last == point[31])
}

/// The encodings of the points of small order, the sign bit aside.
const SMALL_ORDER: [&[u8; 32]; 7] = [
    &[0x00; 32],
    b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    &near_p(0xec),
    &near_p(0xed),
    &near_p(0xee),
];

/// The field prime is 2^255 - 19, in little-endian `ed ff … ff 7f`.
const fn near_p(first: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = first;
    bytes[31] = 0x7f;
    bytes
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;

    use super::*;

    #[test]
    fn random_secrets_are_not_guessable() {
        for seed in 0..=255u8 {
            let digest = digest::digest(&digest::SHA256, &[seed]);
            assert!(!is_guessable(digest.as_ref()));
        }
    }

    #[test]
    fn points_of_small_order_are_known_with_either_sign() {
        for point in SMALL_ORDER {
            for sign in [0x00, 0x80] {
                let mut x = *point;
                x[31] |= sign;
                assert!(has_small_order(&x));
            }
        }
    }
}
