//! Tokens and keys.

use std::{str, sync::OnceLock};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    error::AuthError,
    jose::{Alg, Unverified, Validity, VerifyingKey},
    secret::RawToken,
    testing::{Place, World},
};
use serde_json::Value;

use crate::scene::scene;

const SECRET: &[u8] = b"7f3c9a01-d4e8-4b52-9c6d-1ef0a3b58846";

const ALGS: [Alg; 13] = [
    Alg::HS256,
    Alg::HS384,
    Alg::HS512,
    Alg::RS256,
    Alg::RS384,
    Alg::RS512,
    Alg::PS256,
    Alg::PS384,
    Alg::PS512,
    Alg::ES256,
    Alg::ES384,
    Alg::ES512,
    Alg::EdDSA,
];

fn key() -> &'static VerifyingKey {
    static KEY: OnceLock<VerifyingKey> = OnceLock::new();
    KEY.get_or_init(|| VerifyingKey::hmac(Alg::HS256, SECRET).expect("a strong secret"))
}

/// A compact token of these bytes, signed as the holder of `secret` signs.
fn signed(secret: &[u8], header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Header and payload, one line each; or the payload alone, behind a good header.
fn header_and_payload(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    end.map_or((br#"{"alg":"HS256"}"#, data), |end| (&data[..end], &data[end + 1..]))
}

/// A token as it comes: none that we did not sign passes, none has two spellings. A second one of the same bytes is signed well,
/// so that what its claims may say is read as well.
pub fn jws(data: &[u8]) {
    if let Ok(token) = str::from_utf8(data)
        && let Ok(unverified) = Unverified::parse(token)
    {
        let again = token.split('.').map(|segment| {
            let bytes = URL_SAFE_NO_PAD.decode(segment).expect("what was parsed is base64url");
            URL_SAFE_NO_PAD.encode(bytes)
        });
        assert_eq!(again.collect::<Vec<_>>().join("."), token, "a token of two spellings");
        assert!(unverified.verify(key()).is_err(), "nobody signed this");
    }
    let (header, payload) = header_and_payload(data);
    let token = signed(SECRET, header, payload);
    let Ok(unverified) = Unverified::parse(&token) else { return };
    let Ok(claims) = unverified.verify(key()) else { return };
    let members: Value = serde_json::from_slice(payload).expect("claims are JSON");
    assert_eq!(Value::Object(claims.clone().into_map()), members, "the claims are other than what was signed");
    for name in ["exp", "nbf", "iat"] {
        let number = members.get(name).is_none_or(Value::is_number);
        assert!(number || claims.time(name).is_err(), "{name} is no number and was read");
    }
    let validity = Validity::at(scene_now());
    if claims.check_times(&validity).is_ok() {
        assert!(claims.time("exp").ok().flatten().is_some_and(|exp| exp > validity.now), "it has no end ahead");
    }
    let _ = (claims.audience(), claims.string("sub"));
}

fn scene_now() -> ringfence_core::time::Timestamp {
    ringfence_core::time::Timestamp::from_seconds(1_700_000_000)
}

/// A set of keys as a provider publishes one, or a key in DER: what is taken is published again as the same key.
pub fn jwks(data: &[u8]) {
    for alg in ALGS {
        if let Ok(key) = VerifyingKey::from_spki(data, alg) {
            check_published(&key);
        }
    }
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    let listed = body.get("keys").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![body]);
    for jwk in listed.iter().take(4) {
        for alg in ALGS {
            if let Ok(key) = VerifyingKey::from_jwk(jwk, alg) {
                check_published(&key);
            }
        }
    }
}

fn check_published(key: &VerifyingKey) {
    let Some(public) = key.public_jwk("k") else { return };
    let again = VerifyingKey::from_jwk(&public, key.alg()).expect("what was taken is taken again");
    assert_eq!(again.public_jwk("k"), Some(public));
    assert_eq!(again.thumbprint(), key.thumbprint());
}

/// An assertion that the home application's issuer signed, whatever it says: it signs in or is refused, alike when it is shown
/// again, and is nothing to an application that does not trust the issuer.
pub fn assertion(data: &[u8]) {
    static OTHER: OnceLock<Place> = OnceLock::new();
    let scene = scene();
    let (header, payload) = header_and_payload(data);
    let jwt = RawToken::new(signed(scene.world.home.secret.expose().as_bytes(), header, payload));
    let ask = || scene.block_on(scene.world.assert(&jwt));
    match (ask(), ask()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.session.map(|session| session.id), second.session.map(|session| session.id));
        }
        (Err(first), Err(second)) => {
            assert_eq!(first.code(), second.code());
            assert!(!matches!(first, AuthError::Internal { .. } | AuthError::Unavailable { .. }), "{first:?}");
        }
        (first, second) => panic!("{first:?}, and shown again {second:?}"),
    }
    let other = OTHER.get_or_init(|| scene.block_on(scene.world.place("other")));
    let shown = World::asserts(other, &jwt);
    let judged = scene.block_on(scene.world.authority.authenticate(&scene.world.ctx(), shown));
    assert!(judged.is_err(), "another application takes it");
}

/// The place in a list: only what we sealed for this list means one.
pub fn cursor(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let authority = &scene().authority;
    assert_eq!(authority.position("identities", text), None, "nobody sealed this");
    let sealed = authority.cursor("identities", text);
    assert_eq!(authority.position("identities", &sealed).as_deref(), Some(text));
    assert_eq!(authority.position("sessions", &sealed), None, "a place in another list");
    assert_eq!(authority.position("identities", &sealed[..sealed.len() - 1]), None, "a place cut short");
}
