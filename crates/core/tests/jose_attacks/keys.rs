//! Keys that are too weak, or not what they say.

use ringfence_core::jose::{Alg, KeyError, SigningKeyPair, VerifyingKey};
use serde_json::{Value, json};

use super::*;

#[test]
fn n05_a_weak_secret_is_refused() {
    let repeated = b"secret".repeat(8);
    let doubled = SECRET[..16].repeat(2);
    let series: Vec<u8> = (0..32).collect();
    let weak: [&[u8]; 9] = [
        b"",
        b"secret",
        &SECRET[..31],
        &[0; 32],
        &[b'a'; 64],
        &repeated,
        &doubled,
        &series,
        b"a-string-secret-at-least-256-bits-long",
    ];
    for secret in weak {
        for alg in [Alg::HS256, Alg::HS384, Alg::HS512] {
            assert_eq!(VerifyingKey::hmac(alg, secret).err(), Some(KeyError::TooWeak), "{secret:?}");
            let jwk = json!({"kty": "oct", "k": encode(secret)});
            assert_eq!(VerifyingKey::from_jwk(&jwk, alg).err(), Some(KeyError::TooWeak), "{secret:?}");
            assert_eq!(SigningKeyPair::from_bytes(alg, secret).err(), Some(KeyError::TooWeak), "{secret:?}");
        }
    }
}

/// The JWK of a good key with some members changed; null removes one.
fn jwk_with(key: &SigningKeyPair, changes: &Value) -> Value {
    let mut jwk = key.public_jwk("k").unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            jwk.as_object_mut().unwrap().remove(name);
        } else {
            jwk[name] = value.clone();
        }
    }
    jwk
}

#[test]
fn n06_an_unfit_jwk_is_refused() {
    let modulus = |bytes: usize, first: u8, last: u8| {
        let mut modulus = vec![0xa5; bytes];
        (modulus[0], modulus[bytes - 1]) = (first, last);
        json!({"n": encode(modulus)})
    };
    for changes in [
        modulus(128, 0xff, 1),    // 1024 bits
        modulus(256, 0x7f, 1),    // 2047 bits
        modulus(256, 0xff, 2),    // even
        modulus(257, 0x00, 1),    // leading zero
        modulus(1025, 0x01, 1),   // 8193 bits
        json!({"e": "AQ"}),       // 1
        json!({"e": "Aw"}),       // 3
        json!({"e": "AQAA"}),     // even
        json!({"e": "AAEAAQ"}),   // leading zero
        json!({"e": "AQAAAAAB"}), // longer than four bytes
        json!({"e": "AQAB="}),
        json!({"e": null}),
        json!({"n": ""}),
        json!({"n": 5}),
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"key_ops": "verify"}),
        json!({"alg": "PS256"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"kty": "EC"}),
        json!({"kty": null}),
        json!({"d": "AQAB"}),
    ] {
        let refused = VerifyingKey::from_jwk(&jwk_with(&RS256, &changes), Alg::RS256);
        assert_eq!(refused.err(), Some(KeyError::Rejected), "{changes}");
    }
}

#[test]
fn n06_an_unfit_curve_key_is_refused() {
    let short = encode([0x11; 31]);
    let off_curve = encode([0x11; 32]);
    for changes in [
        json!({"crv": "P-384"}),
        json!({"crv": "secp256k1"}),
        json!({"kty": "OKP"}),
        json!({"x": short}),
        json!({"x": off_curve, "y": off_curve}),
        json!({"y": null}),
        json!({"use": "enc"}),
        json!({"d": off_curve}),
    ] {
        let refused = VerifyingKey::from_jwk(&jwk_with(&ES256, &changes), Alg::ES256);
        assert_eq!(refused.err(), Some(KeyError::Rejected), "{changes}");
    }
    for changes in
        [json!({"crv": "X25519"}), json!({"crv": "Ed448"}), json!({"x": short}), json!({"x": encode([0; 32])})]
    {
        let refused = VerifyingKey::from_jwk(&jwk_with(&EDDSA, &changes), Alg::EdDSA);
        assert_eq!(refused.err(), Some(KeyError::Rejected), "{changes}");
    }
    for jwk in [json!(null), json!([]), json!("key"), json!({})] {
        assert_eq!(VerifyingKey::from_jwk(&jwk, Alg::ES256).err(), Some(KeyError::Rejected), "{jwk}");
    }
}

#[test]
fn n06_a_good_jwk_is_accepted() {
    for key in [&*RS256, &*ES256, &*EDDSA] {
        let jwk = jwk_with(key, &json!({"use": null, "alg": null, "key_ops": ["verify"]}));
        let read = VerifyingKey::from_jwk(&jwk, key.alg()).unwrap();
        assert!(verify(&token_of(key), &read).is_ok(), "{}", key.alg());
    }
}
