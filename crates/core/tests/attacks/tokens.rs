//! N01–N04, N07, N13–N19, N21, N24: access tokens, assertions and opaque tokens at the gate.

use ringfence_core::{
    authority::{PresentedCredential, TokenShape},
    entropy::OsEntropy,
    jose::{Alg, Family, SigningKeyPair},
    secret::{Password, RawToken, TokenKind},
    testing::{ASSERTIONS, SHAPES, World, outcome},
};
use serde_json::{Value, json};

use super::forge::{Ann, Parts, encode, own_key, shown_to};
use crate::support::world;

pub(super) const ALGS: [Alg; 5] = [Alg::HS256, Alg::HS512, Alg::EdDSA, Alg::RS256, Alg::ES256];

pub(super) async fn ann() -> Ann {
    Ann::arrive(world().await).await
}

/// A good assertion for the home application, to be changed.
fn assertion(w: &World) -> Parts {
    Parts::of(&w.assertion(&w.home, json!({ "_id": "ext-1" })))
}

/// What the gate says to an assertion with these claims and the right signature.
pub(super) async fn asserted(w: &World, claims: Value) -> &'static str {
    outcome(&w.assert(&w.assertion(&w.home, claims)).await)
}

#[tokio::test]
async fn n01_an_unsecured_token_is_refused() {
    let a = ann().await;
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        for own in ALGS {
            let forged = a.token(own).header("alg", json!(alg));
            assert_eq!(a.gate(&forged.with_signature("")).await, "token_alg", "{alg} for {own}");
            assert_eq!(a.gate(&forged.unsigned()).await, "token_alg", "{alg} for {own}, signed");
        }
        let forged = assertion(&a.w).header("alg", json!(alg));
        assert_eq!(outcome(&a.w.assert(&forged.with_signature("")).await), "token_alg", "{alg}");
        assert_eq!(outcome(&a.w.assert(&forged.unsigned()).await), "token_alg", "{alg}, signed");
    }
}

#[tokio::test]
async fn n01_an_empty_signature_is_refused() {
    let a = ann().await;
    for own in ALGS {
        assert_eq!(a.gate(&a.token(own).with_signature("")).await, "token_signature", "{own}");
    }
    assert_eq!(outcome(&a.w.assert(&assertion(&a.w).with_signature("")).await), "token_signature");
}

/// Every token here was taken once already, so what was checked of it is remembered.
#[tokio::test]
async fn n07_a_token_that_was_taken_before_vouches_for_no_other() {
    let a = ann().await;
    for own in ALGS {
        let other = ALGS.into_iter().find(|other| *other != own).unwrap();
        let issued = a.issued(own).expose();
        let (input, _) = issued.rsplit_once('.').unwrap();
        for _ in 0..2 {
            assert_eq!(a.gate(a.issued(own)).await, "accepted", "{own}");
            let borrowed = RawToken::new(format!("{input}.{}", a.token(other).signature));
            assert_eq!(a.gate(&borrowed).await, "token_signature", "{own} with the signature of {other}");
            assert_eq!(a.gate(&a.token(own).claim("scope", json!("*")).unsigned()).await, "token_signature", "{own}");
        }
    }
}

#[tokio::test]
async fn n02_a_published_key_is_no_secret() {
    let a = ann().await;
    let jwks = a.w.authority.jwks(&a.w.ctx()).await.unwrap();
    let published = jwks["keys"].as_array().unwrap();
    assert_eq!(published.len(), 3);
    for jwk in published {
        let alg = ALGS.into_iter().find(|alg| a.token(*alg).header["kid"] == jwk["kid"]).unwrap();
        let forged = a.token(alg).header("alg", json!("HS256"));
        let mut secrets = vec![jwk.to_string()];
        secrets.extend(["n", "x", "y", "kid"].iter().filter_map(|name| jwk[name].as_str()).map(str::to_owned));
        for secret in secrets {
            assert_eq!(a.gate(&forged.hmac(secret.as_bytes())).await, "token_alg", "{alg}");
        }
    }
}

#[tokio::test]
async fn n03_a_key_signs_with_its_one_algorithm() {
    let a = ann().await;
    for own in ALGS {
        for other in Alg::EACH.into_iter().filter(|other| *other != own) {
            let relabelled = a.token(own).header("alg", json!(other.as_str()));
            assert_eq!(a.gate(&relabelled.unsigned()).await, "token_alg", "{own} as {other}");
        }
    }
    // The same secret with another hash.
    let parts = a.token(Alg::HS256);
    let secret = own_key(&a.w, parts.kid()).await.to_bytes().unwrap();
    let hs512 = SigningKeyPair::from_bytes(Alg::HS512, &secret).unwrap();
    assert_eq!(a.gate(&parts.signed_by(&hs512)).await, "token_alg");
}

#[tokio::test]
async fn n03_a_session_takes_only_tokens_of_its_own_face() {
    let a = ann().await;
    for own in ALGS {
        for other in ALGS.into_iter().filter(|other| *other != own) {
            // Signed by a genuine key of the project, of another face than the session was started through.
            let mut parts = a.token(other);
            parts.claims = a.token(own).claims;
            // Where sessions are named by `jti`, the claims of that face alone are another kind of token.
            let code = if own == Alg::HS512 { "token_type" } else { "token_alg" };
            assert_eq!(a.gate(&a.reminted(&parts).await).await, code, "{own} by {other}");
        }
    }
}

#[tokio::test]
async fn n04_a_header_without_one_algorithm_is_malformed() {
    let a = ann().await;
    for own in ALGS {
        for alg in [Value::Null, json!(["HS256"]), json!(1), json!({})] {
            assert_eq!(a.gate(&a.token(own).header("alg", alg).unsigned()).await, "token_malformed", "{own}");
        }
        let twice = format!(r#"{{"alg":"{own}","alg":"{own}","kid":"{}"}}"#, a.token(own).kid());
        let parts = a.token(own);
        let token = format!("{}.{}.{}", encode(twice), encode(parts.claims.to_string()), parts.signature);
        assert_eq!(a.gate(&RawToken::new(token)).await, "token_malformed", "{own}");
    }
    for alg in [Value::Null, json!(["HS256"])] {
        let refused = a.w.assert(&assertion(&a.w).header("alg", alg).unsigned()).await;
        assert_eq!(outcome(&refused), "token_malformed");
    }
}

#[tokio::test]
async fn n07_another_signature_is_refused() {
    let a = ann().await;
    for own in ALGS {
        let parts = a.token(own);
        let mut flipped = parts.signature.clone().into_bytes();
        flipped[7] = if flipped[7] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        assert_eq!(a.gate(&parts.with_signature(&flipped)).await, "token_signature", "{own}");
        let stolen = a.reminted(&parts.clone().claim("jti", json!("another"))).await;
        assert_eq!(a.gate(&parts.with_signature(&Parts::of(&stolen).signature)).await, "token_signature", "{own}");
        let promoted = parts.clone().claim("exp", json!(a.now() * 2));
        assert_eq!(a.gate(&promoted.unsigned()).await, "token_signature", "{own}");
        let bare = parts.unsigned().expose().rsplit_once('.').unwrap().0.to_owned();
        assert_eq!(a.gate(&RawToken::new(bare)).await, "token_malformed", "{own}");
    }
    let parts = assertion(&a.w);
    let other = Parts::of(&a.w.assertion(&a.w.home, json!({ "_id": "ext-2" })));
    assert_eq!(outcome(&a.w.assert(&parts.with_signature(&other.signature)).await), "token_signature");
    assert_eq!(
        outcome(&a.w.assert(&parts.hmac(b"a secret of somebody else, of 41 bytes...")).await),
        "token_signature"
    );
}

#[tokio::test]
async fn n13_another_issuer_is_refused() {
    let a = ann().await;
    for own in ALGS {
        let issuer = a.token(own).claims["iss"].as_str().unwrap().to_owned();
        let others = [
            json!(format!("{issuer}/")),
            json!(issuer.to_uppercase()),
            json!("https://evil.example"),
            json!(""),
            Value::Null,
        ];
        for other in others {
            let token = a.reminted(&a.token(own).claim("iss", other.clone())).await;
            assert_eq!(a.gate(&token).await, "token_issuer", "{own}, {other}");
        }
        let listed = a.reminted(&a.token(own).claim("iss", json!([issuer]))).await;
        assert_eq!(a.gate(&listed).await, "token_claims", "{own}");
    }
    // A server of another name on the same database.
    let renamed = a.w.node_with(|parts| "https://other.test".clone_into(&mut parts.public_url));
    assert_eq!(shown_to(&renamed, &a.w, a.issued(Alg::EdDSA)).await, "token_issuer");
}

#[tokio::test]
async fn n13_an_issuer_speaks_for_its_own_application_only() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    // Rightly signed for the other application, and claiming to be for this one.
    let jwt = w.assertion(&other, json!({ "_id": "ext-1", "aud": w.home.audience() }));
    assert_eq!(outcome(&w.assert(&jwt).await), "token_signature");
    let bare = ringfence_core::authority::ApplicationRequest {
        name: "bare".to_owned(),
        settings: ringfence_core::application::ApplicationSettings::default(),
        aliases: vec![],
    };
    let bare = w.authority.create_application(&w.ctx(), &w.home_permit(), bare).await.unwrap();
    let presented = PresentedCredential::Assertion {
        project: ringfence_core::project::ProjectRef::Application(bare.id),
        jwt,
        profile: &ASSERTIONS,
        claimed: None,
    };
    assert_eq!(outcome(&w.authority.authenticate(&w.ctx(), presented).await), "token_key");
}

#[tokio::test]
async fn n14_n17_a_token_does_not_bring_its_own_key() {
    let a = ann().await;
    let evil = SigningKeyPair::generate(Alg::ES256, &OsEntropy).unwrap();
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("jwk", evil.public_jwk("k").unwrap()),
    ] {
        for own in ALGS {
            assert_eq!(
                a.gate(&a.token(own).header(name, value.clone()).unsigned()).await,
                "token_key",
                "{own}, {name}"
            );
        }
        assert_eq!(outcome(&a.w.assert(&assertion(&a.w).header(name, value).unsigned()).await), "token_key", "{name}");
    }
    // Self-consistent, of an issuer of its own.
    let parts = a.token(Alg::ES256).claim("iss", json!("https://evil.example")).header("kid", json!("evil"));
    assert_eq!(a.gate(&parts.signed_by(&evil)).await, "token_key");
}

#[tokio::test]
async fn n15_another_audience_is_refused() {
    let a = ann().await;
    for own in ALGS {
        let ours = a.token(own).claims["aud"].clone();
        for other in [Value::Null, json!("https://evil.example"), json!([ours, "https://evil.example"]), json!([])] {
            let token = a.reminted(&a.token(own).claim("aud", other.clone())).await;
            assert_eq!(a.gate(&token).await, "token_audience", "{own}, {other}");
        }
        let token = a.reminted(&a.token(own).claim("aud", json!(7))).await;
        assert_eq!(a.gate(&token).await, "token_claims", "{own}");
    }
}

#[tokio::test]
async fn n15_an_assertion_names_one_application() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let ours = w.home.audience();
    for aud in [
        json!(other.audience()),
        json!([ours, other.audience()]),
        json!([]),
        json!("not a URL"),
        json!(w.home.application.id.short()),
        json!(ours.replace("/projects/", "/bots/")),
        json!(format!("{ours}0")),
    ] {
        assert_eq!(asserted(&w, json!({ "_id": "ext-1", "aud": aud })).await, "token_audience", "{aud}");
    }
    let missing = assertion(&w).claim("aud", Value::Null).hmac(w.home.secret.expose().as_bytes());
    assert_eq!(outcome(&w.assert(&missing).await), "token_audience");
    assert_eq!(asserted(&w, json!({ "_id": "ext-1", "aud": [ours] })).await, "accepted");
}

#[tokio::test]
async fn n15_an_assertion_shown_to_another_application_is_refused_though_it_was_seen() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let (_, jwt) = w.external("ext-1").await;
    let elsewhere = w.authority.authenticate(&w.ctx(), World::asserts(&other, &jwt)).await;
    assert_eq!(outcome(&elsewhere), "token_audience");
}

#[tokio::test]
async fn n16_a_kid_is_only_compared() {
    let a = ann().await;
    let long = "k".repeat(8 * 1024);
    for kid in ["../../secret.pem", "' OR 1=1--", "%2e%2e/", "nul\0", "", long.as_str(), "file:///etc/passwd"] {
        for own in ALGS {
            let code = a.gate(&a.token(own).header("kid", json!(kid)).unsigned()).await;
            assert_eq!(code, "token_key", "{own}, {}", &kid[..kid.len().min(20)]);
        }
    }
}

#[tokio::test]
async fn n18_unknown_keys_are_refused_however_many() {
    let a = ann().await;
    for number in 0..200 {
        let token = a.token(Alg::EdDSA).header("kid", json!(format!("unknown-{number}"))).unsigned();
        assert_eq!(a.gate(&token).await, "token_key");
    }
}

#[tokio::test]
async fn n19_a_token_of_another_kind_is_no_access_token() {
    let a = ann().await;
    let secret = TokenKind::Verification.mint(a.w.entropy.as_ref());
    let key = a.w.api_key(&[]).await.value;
    assert_eq!(a.gate(&secret).await, "token_type");
    assert_eq!(a.gate(&key).await, "token_type");
    for own in ALGS {
        let parts = a.token(own);
        // Signed by the same key for another purpose: an ID token, a logout token, a ticket.
        for typ in ["logout+jwt", "ticket", "id+jwt", if own.family() == Family::Symmetric { "at+jwt" } else { "JWT" }]
        {
            let token = a.reminted(&parts.clone().header("typ", json!(typ))).await;
            assert_eq!(a.gate(&token).await, "token_type", "{own}, {typ}");
        }
        let named = if own == Alg::HS512 { "jti" } else { "sid" };
        assert_eq!(a.gate(&a.reminted(&parts.clone().claim(named, Value::Null)).await).await, "token_type", "{own}");
        assert_eq!(a.gate(&parts.clone().header("kid", Value::Null).unsigned()).await, "token_type", "{own}");
        assert_eq!(a.gate(&a.reminted(&parts.clone().claim("sid", json!("x"))).await).await, "token_claims", "{own}");
    }
    assert_eq!(a.gate(&RawToken::new("")).await, "token_unknown");
}

#[tokio::test]
async fn n19_an_access_token_is_nothing_else() {
    let a = ann().await;
    let secret = TokenKind::Verification.mint(a.w.entropy.as_ref());
    let key = a.w.api_key(&[]).await.value;
    let as_key = async |token: RawToken| {
        outcome(&a.w.authority.authenticate(&a.w.ctx(), PresentedCredential::ApiKey(token)).await)
    };
    assert_eq!(as_key(secret.clone()).await, "token_type");
    for (own, _, token) in &a.who {
        // A key from elsewhere may look like anything, so this one is just nobody's.
        assert_eq!(as_key(token.clone()).await, "token_unknown", "{own}");
        let reset =
            a.w.authority
                .reset_password(&a.w.ctx(), a.w.home.reference(), token, Password::new("an entirely new one"))
                .await;
        assert_eq!(outcome(&reset), "verification_invalid", "{own}");
        let asserted = outcome(&a.w.assert(token).await);
        let symmetric = own.family() == Family::Symmetric;
        assert_eq!(asserted, if symmetric { "token_signature" } else { "token_alg" }, "{own}");
    }
    for opaque in [secret, key] {
        assert_eq!(outcome(&a.w.assert(&opaque).await), "token_type");
        let reset =
            a.w.authority
                .reset_password(&a.w.ctx(), a.w.home.reference(), &opaque, Password::new("an entirely new one"))
                .await;
        assert_eq!(outcome(&reset), "verification_invalid");
    }
}

#[tokio::test]
async fn n21_an_assertion_is_no_access_token() {
    let a = ann().await;
    let (_, jwt) = a.w.external("ext-1").await;
    assert_eq!(a.gate(&jwt).await, "token_type");
    // With the name of our key and the number of somebody's session in it.
    let sid = a.token(Alg::HS256).claims["sid"].clone();
    let dressed = assertion(&a.w).header("kid", json!(a.token(Alg::HS256).kid())).claim("sid", sid);
    assert_eq!(a.gate(&dressed.hmac(a.w.home.secret.expose().as_bytes())).await, "token_signature");
}

#[tokio::test]
async fn n21_a_sub_that_the_profile_does_not_list_is_another_kind_of_token() {
    let w = world().await;
    for sub in ["guest", "bot", "subscription", "userExternal", ""] {
        assert_eq!(asserted(&w, json!({ "_id": "ext-1", "sub": sub })).await, "token_type", "{sub}");
    }
    let absent = assertion(&w).claim("sub", Value::Null).hmac(w.home.secret.expose().as_bytes());
    assert_eq!(outcome(&w.assert(&absent).await), "token_type");
    for subject in [json!(null), json!(""), json!(1.5), json!([1]), json!(true), json!("x".repeat(256))] {
        assert_eq!(asserted(&w, json!({ "_id": subject })).await, "token_claims", "{subject}");
    }
    assert_eq!(asserted(&w, json!({ "_id": 12 })).await, "accepted");
}

#[tokio::test]
async fn n24_a_truncated_extended_or_respelled_key_is_unknown() {
    let w = world().await;
    let key = w.api_key(&[]).await.value;
    let show = async |text: String| {
        let presented = PresentedCredential::ApiKey(RawToken::new(text));
        outcome(&w.authority.authenticate(&w.ctx(), presented).await)
    };
    let text = key.expose();
    assert_eq!(show(text.to_owned()).await, "accepted");
    for length in 0..text.len() {
        assert_eq!(show(text[..length].to_owned()).await, "token_unknown", "{length}");
    }
    let swapped: String = text
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for other in [format!("{text}A"), format!("{text}="), format!(" {text}"), format!("{text}\n"), swapped] {
        assert_eq!(show(other).await, "token_unknown");
    }
    // Where an access token is expected, what has lost its form is nobody's either.
    assert_eq!(outcome(&w.bearer(&RawToken::new(&text[..text.len() - 1])).await), "token_unknown");
}

#[tokio::test]
async fn n24_every_cut_of_an_access_token_is_refused() {
    let a = ann().await;
    for own in ALGS {
        let token = a.issued(own);
        for length in 0..token.expose().len() {
            let code = a.gate(&RawToken::new(&token.expose()[..length])).await;
            assert!(code.starts_with("token_"), "{own}, {length}: {code}");
        }
    }
}

#[test]
fn the_faces_of_these_tests_sign_with_each_algorithm_once() {
    let algs: Vec<_> = SHAPES.iter().map(|shape: &TokenShape| shape.alg).collect();
    assert_eq!(algs, ALGS);
}
