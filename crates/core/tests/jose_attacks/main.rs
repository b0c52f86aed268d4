//! Attacks on tokens and keys, numbered as in the attack catalogue (RFC 8725 and known bugs of JOSE libraries).

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]
mod keys;
mod times;

use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use aws_lc_rs::{encoding::AsDer, hmac, rand::SystemRandom, signature};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ringfence_core::{
    entropy::OsEntropy,
    error::TokenFault,
    jose::{Alg, Claims, MAX_KID, MAX_TOKEN, SigningKeyPair, Unverified, VerifyingKey},
};
use serde_json::json;

const SECRET: &[u8] = b"Xb2!v9Qw-7hR_zK4pLm0sTnYc5dGf8jA";

static HS256: LazyLock<VerifyingKey> = LazyLock::new(|| VerifyingKey::hmac(Alg::HS256, SECRET).unwrap());
static RS256: LazyLock<SigningKeyPair> = LazyLock::new(|| SigningKeyPair::generate(Alg::RS256, &OsEntropy).unwrap());
static ES256: LazyLock<SigningKeyPair> = LazyLock::new(|| SigningKeyPair::generate(Alg::ES256, &OsEntropy).unwrap());
static EDDSA: LazyLock<SigningKeyPair> = LazyLock::new(|| SigningKeyPair::generate(Alg::EdDSA, &OsEntropy).unwrap());

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of exactly these bytes with an HS256 signature that is right under `secret`.
fn signed_with(secret: &[u8], header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", encode(header), encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encode(tag))
}

fn with_header(header: &str) -> String {
    signed_with(SECRET, header.as_bytes(), b"{}")
}

fn with_claims(payload: &[u8]) -> String {
    signed_with(SECRET, br#"{"alg":"HS256"}"#, payload)
}

fn verify(token: &str, key: &VerifyingKey) -> Result<Claims, TokenFault> {
    Unverified::parse(token)?.verify(key)
}

/// Why a token that is rightly signed is refused all the same.
fn fault(token: &str) -> Option<TokenFault> {
    verify(token, &HS256).err()
}

fn token_of(key: &SigningKeyPair) -> String {
    key.mint(None, "JWT", &json!({"sub": "ann"})).unwrap().expose().to_owned()
}

/// Splits off the signature and decodes it.
fn split(token: &str) -> (&str, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input, URL_SAFE_NO_PAD.decode(signature).unwrap())
}

#[test]
fn the_yardstick_of_these_tests_is_accepted() {
    assert_eq!(fault(&with_header(r#"{"alg":"HS256"}"#)), None);
}

#[test]
fn n01_an_unsecured_token_is_refused() {
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        let bare = format!("{}.{}.", encode(&header), encode("{}"));
        assert_eq!(fault(&bare), Some(TokenFault::Algorithm), "{alg}");
        assert_eq!(fault(&with_header(&header)), Some(TokenFault::Algorithm), "{alg} with a signature");
    }
}

#[test]
fn n02_a_public_key_is_no_hmac_secret() {
    let rsa = signature::RsaKeyPair::from_pkcs8(&RS256.to_bytes().unwrap()).unwrap();
    let ec_alg = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let ec = signature::EcdsaKeyPair::from_pkcs8(ec_alg, &ES256.to_bytes().unwrap()).unwrap();
    let rsa_der = AsDer::as_der(signature::KeyPair::public_key(&rsa)).unwrap().as_ref().to_vec();
    let ec_der = AsDer::as_der(signature::KeyPair::public_key(&ec)).unwrap().as_ref().to_vec();
    for (key, der) in [(&*RS256, rsa_der), (&*ES256, ec_der)] {
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
        let jwk = key.public_jwk("k").unwrap().to_string();
        for secret in [der.as_slice(), pem.as_bytes(), pem.trim().as_bytes(), jwk.as_bytes()] {
            let token = signed_with(secret, br#"{"alg":"HS256"}"#, b"{}");
            assert_eq!(verify(&token, key.verifying_key()).err(), Some(TokenFault::Algorithm), "{}", key.alg());
        }
    }
}

#[test]
fn n03_a_key_is_good_for_one_algorithm() {
    let pkcs8 = RS256.to_bytes().unwrap();
    let same_rsa = SigningKeyPair::from_bytes(Alg::PS256, &pkcs8).unwrap();
    assert_eq!(verify(&token_of(&same_rsa), RS256.verifying_key()).err(), Some(TokenFault::Algorithm));
    assert_eq!(verify(&token_of(&same_rsa), ES256.verifying_key()).err(), Some(TokenFault::Algorithm));
    let same_secret = SigningKeyPair::from_bytes(Alg::HS512, SECRET).unwrap();
    assert_eq!(fault(&token_of(&same_secret)), Some(TokenFault::Algorithm));
    // The header says what the key wants, the signature is of the other kind.
    let (_, tail) = token_of(&same_rsa).split_once('.').map(|(head, tail)| (head.to_owned(), tail.to_owned())).unwrap();
    let relabelled = format!("{}.{tail}", encode(r#"{"alg":"RS256"}"#));
    assert_eq!(verify(&relabelled, RS256.verifying_key()).err(), Some(TokenFault::Signature));
}

#[test]
fn n04_a_header_without_one_algorithm_is_malformed() {
    for header in [
        "{}",
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":null}"#,
        r#"{"alg":256}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","x":{"y":1,"y":2}}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "",
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256"} x"#,
    ] {
        assert_eq!(fault(&with_header(header)), Some(TokenFault::Malformed), "{header}");
    }
}

#[test]
fn n07_a_signature_with_one_bit_flipped_is_refused() {
    let hs256 = SigningKeyPair::from_bytes(Alg::HS256, SECRET).unwrap();
    for key in [&hs256, &*RS256, &*ES256, &*EDDSA] {
        let token = token_of(key);
        let (input, signature) = split(&token);
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let forged = format!("{input}.{}", encode(flipped));
            let fault = verify(&forged, key.verifying_key()).err();
            assert_eq!(fault, Some(TokenFault::Signature), "{} bit {bit}", key.alg());
        }
    }
}

#[test]
fn n07_a_signature_of_something_else_or_none_is_refused() {
    let token = token_of(&ES256);
    let other = ES256.mint(None, "JWT", &json!({"sub": "bob"})).unwrap();
    let (input, signature) = split(&token);
    let borrowed = format!("{}.{}", split(other.expose()).0, encode(&signature));
    let stripped = format!("{input}.");
    for forged in [borrowed, stripped] {
        assert_eq!(verify(&forged, ES256.verifying_key()).err(), Some(TokenFault::Signature));
    }
    let (header, payload) = input.split_once('.').unwrap();
    let json = json!({"protected": header, "payload": payload, "signature": encode(&signature)}).to_string();
    for malformed in [input, &json] {
        assert_eq!(verify(malformed, ES256.verifying_key()).err(), Some(TokenFault::Malformed));
    }
}

#[test]
fn n09_signatures_outside_the_group_or_in_der_are_refused() {
    let order = b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    let token = token_of(&ES256);
    let (input, good) = split(&token);
    let (r, s) = good.split_at(32);
    let der_alg = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    let der_key = signature::EcdsaKeyPair::from_pkcs8(der_alg, &ES256.to_bytes().unwrap()).unwrap();
    let der = der_key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    for forged in [
        [&[0; 32], s].concat(),
        [r, &[0; 32]].concat(),
        [r, order].concat(),
        [order, s].concat(),
        vec![0; 64],
        der.as_ref().to_vec(),
        [&good[..], &[0]].concat(),
        [&[0], &good[..]].concat(),
        [&[0], r, &[0], s].concat(),
        good[..63].to_vec(),
    ] {
        let token = format!("{input}.{}", encode(&forged));
        assert_eq!(verify(&token, ES256.verifying_key()).err(), Some(TokenFault::Signature), "{forged:02x?}");
    }
}

/// The quickest of three tries, so that a busy machine does not fail the test.
#[expect(clippy::disallowed_methods, reason = "measures, and decides nothing by it")]
fn time_to_judge(token: &str) -> Duration {
    let once = || {
        let start = Instant::now();
        black_box(fault(token));
        start.elapsed()
    };
    [once(), once(), once()].into_iter().min().unwrap()
}

#[test]
fn n10_oversized_and_overnested_input_is_refused_at_once() {
    let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let wide = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(5_900));
    let hostile = [
        "A".repeat(1024 * 1024),
        format!("{}.{}.{}", encode(r#"{"alg":"HS256"}"#), "A".repeat(1024 * 1024), "AAAA"),
        ".".repeat(10_000),
        "a.".repeat(8_000),
        with_claims(nested.as_bytes()),
        with_header(&nested),
        with_claims(&b"[".repeat(12_000)),
        with_claims(wide.replace('0', "[]").as_bytes()),
    ];
    for token in &hostile {
        assert_eq!(fault(token), Some(TokenFault::Malformed), "{}", &token[..60]);
        assert!(time_to_judge(token) < Duration::from_millis(5), "{}", &token[..60]);
    }
    let large = with_claims(wide.as_bytes());
    assert!(large.len() <= MAX_TOKEN && fault(&large).is_none());
    assert!(time_to_judge(&large) < Duration::from_millis(20));
}

#[test]
fn n10_a_token_may_be_just_so_long() {
    let of_length = |pad: usize| with_claims(format!(r#"{{"pad":"{}"}}"#, "x".repeat(pad)).as_bytes());
    let longest = (0..MAX_TOKEN).rev().map(|pad| pad * 3 / 4).map(of_length).find(|token| token.len() <= MAX_TOKEN);
    let longest = longest.unwrap();
    assert!(longest.len() > MAX_TOKEN - 4);
    assert_eq!(fault(&longest), None);
    assert_eq!(fault(&format!("{longest}{}", "A".repeat(8))), Some(TokenFault::Malformed));
}

#[test]
fn n10_only_canonical_base64url_is_read() {
    let token = with_header(r#"{"alg":"HS256"}"#);
    let segments: Vec<&str> = token.split('.').collect();
    for position in 0..3 {
        for spoilt in ["=", "==", " ", "\n", "+", "/", "?", "é", "%3D"] {
            for edit in [format!("{}{spoilt}", segments[position]), format!("{spoilt}{}", segments[position])] {
                let mut segments = segments.clone();
                segments[position] = &edit;
                assert_eq!(fault(&segments.join(".")), Some(TokenFault::Malformed), "{edit:?}");
            }
        }
    }
    // 32 bytes end in a digit of which two bits are not used: one signature must not have four spellings.
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let spellings = digits.chars().filter(|digit| fault(&format!("{rest}{digit}")).is_none()).collect::<String>();
    assert_eq!(spellings, last);
}

#[test]
fn n11_compression_encryption_and_extensions_are_refused_unread() {
    for header in [
        r#"{"alg":"HS256","zip":"DEF"}"#,
        r#"{"alg":"HS256","enc":"A128GCM"}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","b64":true}"#,
    ] {
        assert_eq!(fault(&with_header(header)), Some(TokenFault::Malformed), "{header}");
    }
    let header = r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":10000000,"p2s":"AAAA"}"#;
    let jwe = format!("{}.AAAA.AAAA.AAAA.AAAA", encode(header));
    assert_eq!(fault(&jwe), Some(TokenFault::Malformed));
    assert_eq!(fault(&with_header(header)), Some(TokenFault::Malformed));
}

#[test]
fn n12_text_that_is_no_unicode_or_holds_nul_is_malformed() {
    for payload in [
        &b"{\"sub\":\"\xff\"}"[..],
        b"{\"sub\":\"\xc0\x80\"}",
        b"{\"sub\":\"\xed\xa0\x80\"}",
        b"{\"\xff\":1}",
        b"{\"sub\":\"ann\"}\xff",
        br#"{"sub":"\ud800"}"#,
        br#"{"sub":"\udc00x"}"#,
        br#"{"sub":"\ud800\ud800"}"#,
        br#"{"\ud800":1}"#,
        br#"{"sub":"ann\u0000"}"#,
        br#"{"\u0000":1}"#,
        br#"{"a":[{"b":"\u0000"}]}"#,
        b"{\"sub\":\"ann\0\"}",
        b"\xef\xbb\xbf{}",
        br#"{"sub":"ann","sub":"bob"}"#,
        br#"{"a":{"b":1,"b":2}}"#,
        b"[]",
        b"foo",
        b"",
    ] {
        assert_eq!(fault(&with_claims(payload)), Some(TokenFault::Malformed), "{}", String::from_utf8_lossy(payload));
    }
    // A pair of surrogates is a character, and an escaped backslash makes no NUL.
    assert_eq!(fault(&with_claims(br#"{"sub":"\ud83d\ude00 \\u0000"}"#)), None);
    assert_eq!(fault(&signed_with(SECRET, b"{\"alg\":\"HS256\",\"x\":\"\xff\"}", b"{}")), Some(TokenFault::Malformed));
}

#[test]
fn n16_an_impossible_kid_is_refused() {
    let long = "k".repeat(MAX_KID + 1);
    let longer = "k".repeat(8 * 1024);
    for kid in ["", &long, &longer, "a\\u0000", "a\\nb", "\\u007f", "\\u009f"] {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        assert_eq!(fault(&with_header(&header)), Some(TokenFault::Key), "{kid}");
    }
    // This one makes the whole token too long to look at.
    let longest = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(64 * 1024));
    assert_eq!(fault(&with_header(&longest)), Some(TokenFault::Malformed));
}

#[test]
fn n16_a_hostile_kid_is_text_and_nothing_more() {
    for kid in ["../../secret.pem", "' OR 1=1--", "/dev/null", "http://169.254.169.254/", "k|id"] {
        let token = with_header(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#));
        assert_eq!(Unverified::parse(&token).unwrap().header().kid.as_deref(), Some(kid));
    }
}

#[test]
fn n17_a_token_does_not_bring_its_own_key() {
    let own = encode(SECRET);
    for header in [
        r#"{"alg":"HS256","jku":"https://evil.example/jwks.json"}"#.to_owned(),
        r#"{"alg":"HS256","x5u":"https://evil.example/cert.pem"}"#.to_owned(),
        r#"{"alg":"HS256","x5c":["AAAA"]}"#.to_owned(),
        format!(r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{own}"}}}}"#),
        r#"{"alg":"HS256","jwk":null}"#.to_owned(),
    ] {
        assert_eq!(fault(&with_header(&header)), Some(TokenFault::Key), "{header}");
    }
}
