//! The little DER that public keys need: `SubjectPublicKeyInfo` (RFC 5280 4.1.2.7) and `RSAPublicKey` (RFC 8017 A.1.1).

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// Splits a `SubjectPublicKeyInfo` into its whole `AlgorithmIdentifier` and the key's bytes.
pub(super) fn public_key_info(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, []) = element(SEQUENCE, der)? else { return None };
    let (_, after) = element(SEQUENCE, info)?;
    let identifier = &info[..info.len() - after.len()];
    let (bits, []) = element(BIT_STRING, after)? else { return None };
    // The first octet counts unused bits; keys are whole octets.
    Some((identifier, bits.strip_prefix(&[0])?))
}

/// Modulus and exponent of an `RSAPublicKey`, big-endian without leading zeros.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, []) = element(SEQUENCE, der)? else { return None };
    let (modulus, rest) = element(INTEGER, key)?;
    let (exponent, []) = element(INTEGER, rest)? else { return None };
    Some((positive(modulus)?, positive(exponent)?))
}

/// Contents of the element that `input` begins with, and what follows it.
fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match *input.strip_prefix(&[tag])? {
        [short, ref rest @ ..] if short < 0x80 => (usize::from(short), rest),
        [0x81, long, ref rest @ ..] if long >= 0x80 => (usize::from(long), rest),
        // Two octets of length are more than the largest key needs.
        [0x82, high, low, ref rest @ ..] if high > 0 => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The magnitude of a positive integer in its shortest form.
fn positive(integer: &[u8]) -> Option<&[u8]> {
    match *integer {
        [0, ref magnitude @ ..] if *magnitude.first()? >= 0x80 => Some(magnitude),
        [first, ..] if (1..0x80).contains(&first) => Some(integer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsa_key_splits_into_modulus_and_exponent() {
        let der = b"\x30\x09\x02\x02\x00\x85\x02\x03\x01\x00\x01";
        assert_eq!(rsa_public_key(der), Some((&b"\x85"[..], &b"\x01\x00\x01"[..])));
    }

    #[test]
    fn only_shortest_forms_of_positive_integers_are_read() {
        for der in [
            &b"\x30\x81\x09\x02\x02\x00\x85\x02\x03\x01\x00\x01"[..], // a long length that is short
            b"\x30\x09\x02\x02\x00\x05\x02\x03\x01\x00\x01",          // a needless zero
            b"\x30\x08\x02\x01\x85\x02\x03\x01\x00\x01",              // negative
            b"\x30\x07\x02\x00\x02\x03\x01\x00\x01",                  // empty
            b"\x30\x09\x02\x02\x00\x85\x02\x03\x01\x00\x01\x00",      // trailing
            b"\x30\x80\x02\x02\x00\x85\x02\x03\x01\x00\x01",          // indefinite
            b"\x30\x82",
            b"\x30",
            b"",
        ] {
            assert_eq!(rsa_public_key(der), None, "{der:02x?}");
        }
    }
}
