//! SIP digests: what a SIP server keeps of a password in order to check it (RFC 7616, for SIP RFC 8760).
//!
//! `HA1 = H(login ":" realm ":" password)`; `HA1B = H(login "@" realm ":" realm ":" password)` is for phones that put their whole
//! address into the digest user name. Both are as good as the password itself to whoever has them, for they are all that a
//! client needs. Nothing can be derived from one to another, so all are computed while the password is at hand.

use std::fmt;

use aws_lc_rs::digest::{SHA256, SHA512_256, digest};
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::secret::Password;

/// A hash function of digest authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// `MD5`: what phones speak.
    Md5,
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`.
    Sha512t256,
}

impl DigestAlgorithm {
    /// All of them, in the order that they are stored in.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512t256];

    /// The name that challenges have for it (RFC 7616 §3.3).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512t256 => "SHA-512-256",
        }
    }

    /// Reads the name in its one spelling; session variants are none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }

    /// The hash in lower-case hex.
    fn hex(self, text: &str) -> Zeroizing<String> {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(digest(&SHA256, text.as_bytes()).as_ref()),
            Self::Sha512t256 => hex(digest(&SHA512_256, text.as_bytes()).as_ref()),
        }
    }
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

/// An HA1 or HA1B. It does not print and compares in constant time.
#[derive(Clone)]
pub struct DigestHash(SecretString);

impl DigestHash {
    /// The hex digits, for sealing and for a SIP server.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether both are the same.
    pub fn same_as(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }

    /// Reads what somebody presents as an HA1B of MD5: 32 lower-case hex digits and nothing else (ATTACKS N64).
    pub fn presented(text: &str) -> Option<Self> {
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(lower_hex)).then(|| Self(text.into()))
    }
}

impl fmt::Debug for DigestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestHash(…)")
    }
}

/// The hash of one name in each algorithm.
type Hashes = [DigestHash; DigestAlgorithm::ALL.len()];

/// Everything that a SIP server may want of one password.
#[derive(Clone)]
pub struct Digests {
    ha1: Hashes,
    ha1b: Hashes,
}

impl Digests {
    /// Of a login in a realm. The caller has checked both: a `:` in either, or an `@` in the login, would make two accounts
    /// share a hash.
    pub fn of(login: &str, realm: &str, password: &Password) -> Self {
        let hash = |name: &str| {
            let text = Zeroizing::new([name, ":", realm, ":", password.expose()].concat());
            DigestAlgorithm::ALL.map(|algorithm| DigestHash(algorithm.hex(&text).as_str().into()))
        };
        Self { ha1: hash(login), ha1b: hash(&[login, "@", realm].concat()) }
    }

    /// `H(login:realm:password)`.
    pub const fn ha1(&self, algorithm: DigestAlgorithm) -> &DigestHash {
        &self.ha1[algorithm as usize]
    }

    /// `H(login@realm:realm:password)`.
    pub const fn ha1b(&self, algorithm: DigestAlgorithm) -> &DigestHash {
        &self.ha1b[algorithm as usize]
    }

    /// What is sealed: all hashes, one a line.
    pub fn to_text(&self) -> Zeroizing<String> {
        let lines: Vec<_> = self.ha1.iter().chain(&self.ha1b).map(DigestHash::expose).collect();
        Zeroizing::new(lines.join("\n"))
    }

    /// Reads [`Self::to_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(|line| DigestHash(line.into()));
        let mut three = || Some([lines.next()?, lines.next()?, lines.next()?]);
        Some(Self { ha1: three()?, ha1b: three()? })
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(login: &str, realm: &str, password: &str) -> Digests {
        Digests::of(login, realm, &Password::new(password))
    }

    /// The response of a client that has only the HA1 (RFC 7616 §3.4.1, `qop=auth`, `nc=00000001`).
    fn response(algorithm: DigestAlgorithm, ha1: &DigestHash, nonce: &str, cnonce: &str, uri: &str) -> String {
        let ha2 = algorithm.hex(&format!("GET:{uri}"));
        let text = format!("{}:{nonce}:00000001:{cnonce}:auth:{}", ha1.expose(), *ha2);
        algorithm.hex(&text).to_string()
    }

    #[test]
    fn rfc_7616_section_3_9_1() {
        let digests = digests("Mufasa", "http-auth@example.org", "Circle of Life");
        for (algorithm, expected) in [
            (DigestAlgorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (DigestAlgorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let answer = response(algorithm, digests.ha1(algorithm), nonce, cnonce, "/dir/index.html");
            assert_eq!(answer, expected, "{algorithm:?}");
        }
    }

    /// With the response of the RFC's erratum 4897: the printed one is of SHA-512 cut short, which is another function.
    #[test]
    fn rfc_7616_section_3_9_2() {
        let algorithm = DigestAlgorithm::Sha512t256;
        let digests = digests("Jäsøn Doe", "api@example.org", "Secret, or not?");
        let nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK";
        let answer = response(
            algorithm,
            digests.ha1(algorithm),
            nonce,
            "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            "/doe.json",
        );
        assert_eq!(answer, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    }

    /// Computed by real SIP servers and phones of these accounts.
    #[test]
    fn ha1_and_ha1b_as_sip_servers_have_them() {
        for (login, realm, password, ha1, ha1b) in [
            ("alice", "rtc.test", "s3cret-A", "98e50217aedab69cde4c6166077cdc9b", "62789166d17cfe0f78850da0ca3d06ba"),
            ("bob", "rtc.test", "s3cret-B", "fcbdddb0cf9b020098cd75e78244673c", "1faa6b34fea54beee1ed8b80ef3e64ca"),
            ("alice", "other.test", "s3cret-O", "60f14ba745c99df4825f41de566b0c90", "192bd4b5126be5faeb61669bb8b74880"),
        ] {
            let digests = digests(login, realm, password);
            assert_eq!(digests.ha1(DigestAlgorithm::Md5).expose(), ha1);
            assert_eq!(digests.ha1b(DigestAlgorithm::Md5).expose(), ha1b);
        }
    }

    /// RFC 8760 prints no numbers; what it changes for SIP is that a user has a hash per algorithm, of these lengths (§2.4).
    #[test]
    fn rfc_8760_each_algorithm_has_a_hash_of_its_own() {
        let digests = digests("bob", "biloxi.com", "zanzibar");
        let lengths = DigestAlgorithm::ALL.map(|algorithm| digests.ha1(algorithm).expose().len());
        assert_eq!(lengths, [32, 64, 64]);
        assert!(!digests.ha1(DigestAlgorithm::Sha256).same_as(digests.ha1(DigestAlgorithm::Sha512t256)));
        // RFC 3261's own example of this user, as phones have computed it ever since.
        assert_eq!(digests.ha1(DigestAlgorithm::Md5).expose(), "12af60467a33e8518da5c68bbff12b11");
    }

    #[test]
    fn what_is_sealed_reads_back_and_nothing_prints() {
        let one = digests("alice", "rtc.test", "s3cret-A");
        let back = Digests::parse(&one.to_text()).unwrap();
        for algorithm in DigestAlgorithm::ALL {
            assert!(
                back.ha1(algorithm).same_as(one.ha1(algorithm)) && back.ha1b(algorithm).same_as(one.ha1b(algorithm))
            );
            assert!(!back.ha1(algorithm).same_as(back.ha1b(algorithm)));
            assert_eq!(DigestAlgorithm::parse(algorithm.as_str()), Some(algorithm));
        }
        assert!(Digests::parse("one\ntwo").is_none() && DigestAlgorithm::parse("MD5-sess").is_none());
        assert_eq!(format!("{one:?} {:?}", one.ha1(DigestAlgorithm::Md5)), "Digests(…) DigestHash(…)");
    }

    #[test]
    fn n64_only_32_lower_case_hex_digits_are_a_claim() {
        let good = "62789166d17cfe0f78850da0ca3d06ba";
        assert!(DigestHash::presented(good).is_some());
        for bad in [&good.to_uppercase(), &good[1..], &format!("{good}0"), "", &good.replace('6', "g"), &"é".repeat(16)]
        {
            assert!(DigestHash::presented(bad).is_none(), "{bad}");
        }
    }
}
