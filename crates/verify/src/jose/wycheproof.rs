//! Every JWS vector of Project Wycheproof, judged by the reader that judges real tokens.

use std::collections::BTreeMap;

use serde_json::Value;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use super::{Key, Unverified};

/// Valid vectors that we refuse, each with what is wrong with it for us.
const REFUSED_ON_PURPOSE: [(usize, &str); 4] = [
    (346, "the key is pinned to PS256, the token says PS384"),
    (347, "the key's `alg` is `ES521`, which is not registered"),
    (350, "the key is pinned to PS256, the token says PS384"),
    (351, "the key's `alg` is `ES521`, which is not registered"),
];

fn accepts(token: &str, jwk: &Value) -> bool {
    let Some(key) = Key::from_jwk(jwk) else { return false };
    Unverified::parse(token).and_then(|unverified| unverified.payload(&key).map(drop)).is_ok()
}

#[test]
fn n08_every_vector_is_judged_rightly() {
    let set = TestSet::load(TestName::JsonWebSignature).unwrap();
    let on_purpose = BTreeMap::from(REFUSED_ON_PURPOSE);
    let (mut accepted, mut refused, mut purposely, mut secret) = (0, 0, 0, 0);
    for group in &set.test_groups {
        let jwk = group.public_key.as_ref().or(group.private_key.as_ref()).unwrap();
        for test in &group.tests {
            let jws = test.jws.as_ref().unwrap();
            let jws = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
            let verdict = accepts(&jws, jwk);
            match (verdict, test.result.must_fail()) {
                (true, false) => accepted += 1,
                (false, true) => refused += 1,
                // Nobody publishes a secret, so a verifier takes none.
                (false, false) if jwk["kty"] == "oct" => secret += 1,
                (false, false) if on_purpose.contains_key(&test.tc_id) => purposely += 1,
                _ => panic!("{} {}: accepted: {verdict}", test.tc_id, test.comment),
            }
        }
    }
    assert_eq!((accepted, purposely, secret, refused), (32, 4, 10, 355));
}
