//! Every JWS vector of Project Wycheproof, judged by the reader that judges real tokens.
//!
//! Most payloads of the vectors are not claims, so they are read as payloads: the same parsing and the same signature check.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::BTreeMap;

use ringfence_core::{
    error::TokenFault,
    jose::{Alg, KeyError, Unverified, VerifyingKey},
};
use serde_json::Value;
use wycheproof_ng_kdf_jose::json_web::{TestGroup, TestName, TestSet};

/// Valid vectors that we refuse, each with what is wrong with it for us.
const REFUSED_ON_PURPOSE: [(usize, &str); 11] = [
    (346, "the key is pinned to PS256, the token says PS384"),
    (347, "the key's `alg` is `ES521`, which is not registered"),
    (350, "the key is pinned to PS256, the token says PS384"),
    (351, "the key's `alg` is `ES521`, which is not registered"),
    (357, "the secret is all zeros"),
    (358, "the secret is all zeros"),
    (359, "the secret is all zeros"),
    (372, "the secret is all zeros, and `?` is not base64url"),
    (373, "the secret is all zeros, and `?` is not base64url"),
    (376, "the secret is all zeros"),
    (377, "the secret is all zeros"),
];

#[derive(Debug, PartialEq)]
enum Verdict {
    Accepted,
    TokenRefused(TokenFault),
    KeyRefused(KeyError),
    Unsupported(String),
}

fn vectors() -> TestSet {
    TestSet::load(TestName::JsonWebSignature).unwrap()
}

fn jwk(group: &TestGroup) -> &Value {
    group.public_key.as_ref().or(group.private_key.as_ref()).unwrap()
}

/// The `alg` of the key; the four keys without one are for encryption and could at most be these.
fn alg_of(jwk: &Value) -> &str {
    match (&jwk["alg"], &jwk["kty"]) {
        (Value::String(alg), _) => alg,
        (_, kty) if kty == "RSA" => "RS256",
        _ => "ES256",
    }
}

/// The token as text; some vectors are in the JSON serialization.
fn text(jws: &Value) -> String {
    jws.as_str().map_or_else(|| jws.to_string(), str::to_owned)
}

fn judge(token: &str, jwk: &Value) -> Verdict {
    let name = alg_of(jwk);
    let Some(alg) = Alg::parse(name) else { return Verdict::Unsupported(name.to_owned()) };
    let key = match VerifyingKey::from_jwk(jwk, alg) {
        Ok(key) => key,
        Err(error) => return Verdict::KeyRefused(error),
    };
    let unverified = match Unverified::parse(token) {
        Ok(unverified) => unverified,
        Err(fault) => return Verdict::TokenRefused(fault),
    };
    let verdict = match unverified.verify_payload(&key) {
        Ok(_) => Verdict::Accepted,
        Err(fault) => Verdict::TokenRefused(fault),
    };
    // Claims need the signature and a JSON object besides, so they are never given where the payload is not.
    match (&verdict, unverified.verify(&key)) {
        (Verdict::Accepted, Ok(_) | Err(TokenFault::Malformed)) => {}
        (Verdict::TokenRefused(fault), Err(same)) => assert_eq!(*fault, same),
        (_, claims) => panic!("{verdict:?}, and yet {claims:?}"),
    }
    verdict
}

#[test]
fn n08_every_vector_is_judged_rightly() {
    let set = vectors();
    let on_purpose = BTreeMap::from(REFUSED_ON_PURPOSE);
    let (mut accepted, mut refused, mut purposely, mut unsupported) = (0, 0, 0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let (id, jws) = (test.tc_id, text(test.jws.as_ref().unwrap()));
            let verdict = judge(&jws, jwk(group));
            match (verdict, test.result.must_fail(), on_purpose.get(&id)) {
                (Verdict::Accepted, false, None) => accepted += 1,
                (Verdict::TokenRefused(_) | Verdict::KeyRefused(_), true, None) => refused += 1,
                (Verdict::Unsupported(_), true, None) => unsupported += 1,
                (Verdict::TokenRefused(_) | Verdict::KeyRefused(_) | Verdict::Unsupported(_), false, Some(_)) => {
                    purposely += 1;
                }
                (verdict, must_fail, _) => panic!("{id} {}: {verdict:?}, must fail: {must_fail}", test.comment),
            }
        }
    }
    assert_eq!((accepted, purposely, refused, unsupported), (35, 11, 355, 0));
    assert_eq!(accepted + purposely + refused + unsupported, set.number_of_tests);
}

#[test]
fn what_is_refused_on_purpose_for_its_name_verifies_under_the_right_one() {
    let set = vectors();
    for (id, alg) in [(346, Alg::PS384), (350, Alg::PS384), (347, Alg::ES512), (351, Alg::ES512)] {
        let group = set.test_groups.iter().find(|group| group.tests.iter().any(|test| test.tc_id == id)).unwrap();
        let mut jwk = jwk(group).clone();
        jwk["alg"] = alg.as_str().into();
        let jws = text(group.tests.iter().find(|test| test.tc_id == id).unwrap().jws.as_ref().unwrap());
        assert_eq!(judge(&jws, &jwk), Verdict::Accepted, "{id}");
    }
}

/// The key of this group is refused, which would hide how we judge its tokens: those of bad form need no key to be refused.
#[test]
fn sloppy_base64_is_refused_before_any_key_is_asked() {
    let set = vectors();
    let group = set.test_groups.iter().find(|group| group.tests.iter().any(|test| test.tc_id == 360)).unwrap();
    for test in &group.tests {
        let jws = text(test.jws.as_ref().unwrap());
        // 367 and 370 are marked invalid for their padding, but their text is that of the valid 357.
        let well_formed = [357, 358, 359, 367, 370, 376, 377].contains(&test.tc_id);
        let expected = if well_formed { None } else { Some(TokenFault::Malformed) };
        assert_eq!(Unverified::parse(&jws).err(), expected, "{} {}", test.tc_id, test.comment);
    }
}
