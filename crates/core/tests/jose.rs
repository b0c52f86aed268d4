//! JWS as the standards show it, and for arbitrary input.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::AsDer,
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ringfence_core::{
    entropy::OsEntropy,
    error::TokenFault,
    jose::{Alg, KeyError, SigningKeyPair, Unverified, VerifyingKey},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

fn key(alg: Alg, jwk: &Value) -> VerifyingKey {
    VerifyingKey::from_jwk(jwk, alg).unwrap()
}

/// The payload that RFC 7515 signs in A.1 to A.3, with their headers and signatures.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn assert_is_joe(token: &str, key: &VerifyingKey) {
    let claims = Unverified::parse(token).unwrap().verify(key).unwrap();
    assert_eq!(claims.string("iss"), Ok(Some("joe")));
    assert_eq!(claims.time("exp"), Ok(Some(Timestamp::from_seconds(1_300_819_380))));
    assert_eq!(claims.get("http://example.com/is_root"), Some(&Value::Bool(true)));
}

#[test]
fn rfc_7515_a1_hs256() {
    let jwk = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"});
    let token = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_is_joe(&token, &key(Alg::HS256, &jwk));
}

#[test]
fn rfc_7515_a2_rs256() {
    let modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs\
                   D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\
                   Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t\
                     1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e\
                     OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let jwk = json!({"kty": "RSA", "n": modulus, "e": "AQAB"});
    assert_is_joe(&format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{signature}"), &key(Alg::RS256, &jwk));
}

#[test]
fn rfc_7515_a3_es256() {
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                     "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert_is_joe(&format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{signature}"), &key(Alg::ES256, &jwk));
}

#[test]
fn rfc_7515_a4_es512() {
    let jwk = json!({"kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"});
    let token = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_\
                 7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    let key = key(Alg::ES512, &jwk);
    assert_eq!(Unverified::parse(token).unwrap().verify_payload(&key), Ok(&b"Payload"[..]));
    assert_eq!(Unverified::parse(token).unwrap().verify(&key).err(), Some(TokenFault::Malformed));
}

#[test]
fn rfc_7515_a5_an_unsecured_token_is_refused() {
    assert_eq!(Unverified::parse(&format!("eyJhbGciOiJub25lIn0.{JOE}.")).err(), Some(TokenFault::Algorithm));
}

#[test]
fn rfc_8037_a4_eddsa() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylG\
                 jg5BhVsPt9g7sVvpAr_MuM0KAg";
    let payload = Unverified::parse(token).unwrap();
    assert_eq!(payload.verify_payload(&key(Alg::EdDSA, &jwk)), Ok(&b"Example of Ed25519 signing"[..]));
}

/// One key of each algorithm, made once.
static KEYS: LazyLock<Vec<SigningKeyPair>> =
    LazyLock::new(|| Alg::EACH.map(|alg| SigningKeyPair::generate(alg, &OsEntropy).unwrap()).into());

/// The public key as other tools export it.
fn spki(key: &SigningKeyPair) -> Option<Vec<u8>> {
    use aws_lc_rs::{encoding::PublicKeyX509Der, signature as sig};
    let private = key.to_bytes().unwrap();
    let curve = match key.alg() {
        Alg::ES256 => Some(&sig::ECDSA_P256_SHA256_FIXED_SIGNING),
        Alg::ES384 => Some(&sig::ECDSA_P384_SHA384_FIXED_SIGNING),
        Alg::ES512 => Some(&sig::ECDSA_P521_SHA512_FIXED_SIGNING),
        _ => None,
    };
    let der: PublicKeyX509Der<'static> = match (key.alg(), curve) {
        (Alg::HS256 | Alg::HS384 | Alg::HS512, _) => return None,
        (Alg::EdDSA, _) => Ed25519KeyPair::from_pkcs8(&private).unwrap().public_key().as_der().unwrap(),
        (_, Some(curve)) => EcdsaKeyPair::from_pkcs8(curve, &private).unwrap().public_key().as_der().unwrap(),
        (_, None) => RsaKeyPair::from_pkcs8(&private).unwrap().public_key().as_der().unwrap(),
    };
    Some(der.as_ref().to_vec())
}

#[test]
fn a_public_key_in_der_is_the_same_key_for_its_own_kind_only() {
    for key in KEYS.iter() {
        let Some(der) = spki(key) else { continue };
        for alg in Alg::EACH {
            let read = VerifyingKey::from_spki(&der, alg).map(|read| read.thumbprint());
            let is_rsa = |alg: Alg| matches!(&alg.as_str()[..2], "RS" | "PS");
            // An RSA key in DER does not say for which padding it is.
            let fits = alg == key.alg() || (is_rsa(alg) && is_rsa(key.alg()));
            let expected = if fits { Ok(key.verifying_key().thumbprint()) } else { Err(KeyError::Rejected) };
            assert_eq!(read, expected, "{} read as {alg}", key.alg());
        }
        for end in 0..der.len() {
            assert!(VerifyingKey::from_spki(&der[..end], key.alg()).is_err(), "{} cut at {end}", key.alg());
        }
    }
}

/// Any JSON without NUL, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let text = any::<String>().prop_map(|text| text.replace('\0', ""));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let members = proptest::collection::btree_map(text.clone(), inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_claims() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("[a-z_]{1,8}", any_json(), 0..5).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_minted_reads_back(claims in any_claims(), kid in proptest::option::of("[!-~]{1,128}")) {
        for key in KEYS.iter() {
            let token = key.mint(kid.as_deref(), "at+jwt", &claims).unwrap();
            let read = Unverified::parse(token.expose()).unwrap();
            prop_assert_eq!((read.header().alg, &read.header().kid), (key.alg(), &kid));
            prop_assert_eq!(read.header().typ.as_deref(), Some("at+jwt"));
            prop_assert_eq!(read.verify(key.verifying_key()).unwrap().into_map(), claims.clone());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(token in any::<String>()) {
        let _ = Unverified::parse(&token);
    }

    #[test]
    fn no_three_segments_make_the_reader_panic(token in "[A-Za-z0-9_=-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}") {
        let _ = Unverified::parse(&token);
    }

    #[test]
    fn no_bytes_in_the_segments_make_the_reader_panic(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>()) {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let _ = Unverified::parse(&format!("{}.{}.", encode(&header), encode(&payload)));
        let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.AAAA", encode(&payload));
        let _ = Unverified::parse(&token).unwrap().claims_unverified();
    }

    #[test]
    fn no_der_makes_the_key_reader_panic(der in any::<Vec<u8>>(), alg in 0..Alg::EACH.len()) {
        let _ = VerifyingKey::from_spki(&der, Alg::EACH[alg]);
        let _ = SigningKeyPair::from_bytes(Alg::EACH[alg], &der);
    }

    #[test]
    fn no_jwk_makes_the_key_reader_panic(jwk in any_json(), members in any_claims(), alg in 0..Alg::EACH.len()) {
        let _ = VerifyingKey::from_jwk(&jwk, Alg::EACH[alg]);
        let _ = VerifyingKey::from_jwk(&Value::Object(members), Alg::EACH[alg]);
    }
}
