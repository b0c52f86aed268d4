//! Passwords' hashes and the digests of SIP.

use std::str;

use ringfence_core::{
    digest::{DigestAlgorithm, DigestHash, Digests},
    password::{PasswordHash, Verdict},
    secret::Password,
    sip::check_domain,
};

use crate::scene::scene;

/// A record of another system: taken over it is the same text, and comparing with it neither panics nor succeeds.
pub fn password_hash(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(hash) = PasswordHash::import(text) else { return };
    assert_eq!(hash.as_str(), text);
    assert!(PasswordHash::import(hash.as_str()).is_ok());
    if !is_cheap(text) {
        return;
    }
    let scene = scene();
    // Not a password that a mutation could have been made from.
    let password = Password::new("nobody's password, at least not one in the corpus");
    let verdict = scene.block_on(scene.world.hasher.verify(password, Some(hash)));
    assert!(matches!(verdict, Ok(Verdict::Wrong) | Err(_)), "a made-up hash matches");
}

/// Whether a comparison takes less than a millisecond or two.
fn is_cheap(text: &str) -> bool {
    let number = |key: &str| {
        let rest = text.split_once(key).map_or("", |(_, rest)| rest);
        rest.split(|byte: char| !byte.is_ascii_digit()).next().unwrap_or_default().parse::<u64>().unwrap_or(u64::MAX)
    };
    if text.starts_with("$2") {
        text.get(4..6) == Some("04")
    } else if text.starts_with("$argon2") {
        number("m=") <= 64 && number("t=") <= 2
    } else if text.starts_with("$scrypt") {
        number("ln=") <= 6 && number("r=") <= 8 && number("p=") <= 2
    } else {
        number("i=") <= 100
    }
}

/// Names and hashes of SIP: what is presented is taken exactly, what is sealed is read as it was.
pub fn digest(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Some(presented) = DigestHash::presented(text) {
        assert_eq!(presented.expose(), text);
    }
    if let Some(algorithm) = DigestAlgorithm::parse(text) {
        assert!(DigestAlgorithm::ALL.contains(&algorithm));
    }
    if check_domain(text).is_ok() {
        assert!(!text.contains([':', '@', '"', '\r', '\n', '\0', ' ']), "a domain that changes what is hashed");
    }
    let mut parts = text.splitn(3, '\n');
    let (Some(login), Some(realm), Some(password)) = (parts.next(), parts.next(), parts.next()) else {
        if let Some(digests) = Digests::parse(text) {
            assert_eq!(
                *Digests::parse(&digests.to_text()).expect("what was sealed is readable").to_text(),
                *digests.to_text()
            );
        }
        return;
    };
    let digests = Digests::of(login, realm, &Password::new(password));
    let again = Digests::parse(&digests.to_text()).expect("what was sealed is readable");
    for algorithm in DigestAlgorithm::ALL {
        assert!(again.ha1(algorithm).same_as(digests.ha1(algorithm)));
        assert!(again.ha1b(algorithm).same_as(digests.ha1b(algorithm)));
    }
    assert!(DigestHash::presented(digests.ha1b(DigestAlgorithm::Md5).expose()).is_some());
}
