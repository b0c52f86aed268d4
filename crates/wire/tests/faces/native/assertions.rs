//! Users of trusted issuers.

use std::{sync::Arc, time::Duration};

use insta::assert_snapshot;
use ringfence_core::{
    jose::{Alg, Signer, SigningKeyPair},
    testing::SeededEntropy,
    time::Clock as _,
};
use serde_json::{Value, json};

use super::world::{PUBLISHABLE, World};
use crate::support::{Answer, signed_by};

const SECRET: &str = "Zk3vQ9xT1mB7nR4wL8sD2fG6hJ5kP0aYcE";

impl World {
    async fn trust(&self, body: &Value) -> Answer {
        let path = format!("/admin/applications/{}/issuers", self.application);
        self.admin("POST", &path).json(body).send().await
    }

    async fn assert(&self, assertion: &str) -> Answer {
        self.post("/assertions", &json!({ "application": PUBLISHABLE, "assertion": assertion })).await
    }

    fn claims(&self, change: &Value) -> Value {
        let now = self.server.clock.now().seconds();
        let mut claims = json!({ "aud": self.application.to_string(), "sub": "user-7", "iat": now, "exp": now + 600, "given_name": "Eve" });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

#[tokio::test]
async fn a_trusted_issuer_signs_its_users_in() {
    let w = World::start().await;
    assert_snapshot!(w.trust(&json!({ "secret": SECRET })).await, @r#"201 {"id":"{uuid}","profile":"native","created_at":"2026-11-18T11:06:40.000Z"}"#);
    let assertion = signed_by(Alg::HS256, SECRET, &w.claims(&json!({})));
    let first = w.assert(&assertion).await;
    assert_snapshot!(first, @r#"200 {"access_token":"{jwt}","token_type":"Bearer","expires_in":600,"refresh_token":"{secret}","session_expires_in":600,"session_id":"{uuid}","identity":{"id":"{uuid}","kind":"external","profile":{"given_name":"Eve","family_name":null,"nickname":null,"phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"},"server_time":"2026-11-18T11:06:40.000Z"}"#);
    // An assertion signs in once; the same subject is the same person.
    assert_snapshot!(w.assert(&assertion).await, @r#"409 {"type":"/problems/conflict","title":"this session exists already","status":409,"code":"conflict"}"#);
    let other = signed_by(Alg::HS256, SECRET, &w.claims(&json!({ "jti": "2" })));
    let second = w.assert(&other).await;
    assert_eq!(second.text("/identity/id"), first.text("/identity/id"));
    assert_ne!(second.text("/session_id"), first.text("/session_id"));
    w.server.clock.advance(Duration::from_mins(11));
    assert_eq!(w.me(&first.text("/access_token")).await.status, 401);
}

#[tokio::test]
async fn assertions_are_judged_by_the_profile() {
    let w = World::start().await;
    w.trust(&json!({ "secret": SECRET })).await;
    let now = w.server.clock.now().seconds();
    for (change, code) in [
        (json!({ "aud": "other" }), "token_audience"),
        (json!({ "aud": [w.application.to_string(), "other"] }), "token_audience"),
        (json!({ "exp": now + 3700 }), "token_lifetime"),
        (json!({ "exp": null }), "token_claims"),
        (json!({ "exp": "9999999999" }), "token_claims"),
        (json!({ "exp": now - 61 }), "token_expired"),
        (json!({ "nbf": now + 120 }), "token_not_yet"),
        (json!({ "sub": "" }), "token_claims"),
    ] {
        let refused = w.assert(&signed_by(Alg::HS256, SECRET, &w.claims(&change))).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (401, code), "{change}");
    }
    let other = signed_by(Alg::HS256, "another secret of more than 32 bytes!", &w.claims(&json!({})));
    assert_eq!(w.assert(&other).await.text("/code"), "token_signature");
    let wide = signed_by(Alg::HS512, SECRET, &w.claims(&json!({})));
    assert_eq!(w.assert(&wide).await.text("/code"), "token_alg");
}

#[tokio::test]
async fn n21_an_assertion_is_no_access_token() {
    let w = World::start().await;
    w.trust(&json!({ "secret": SECRET })).await;
    let assertion = signed_by(Alg::HS256, SECRET, &w.claims(&json!({})));
    assert_eq!(w.me(&assertion).await.status, 401);
}

#[tokio::test]
async fn n02_a_public_key_verifies_and_never_signs() {
    let w = World::start().await;
    let entropy = SeededEntropy::new(3);
    for alg in [Alg::ES256, Alg::EdDSA] {
        let pair = Arc::new(SigningKeyPair::generate(alg, entropy.as_ref()).unwrap());
        let jwk = pair.public_jwk("k1").unwrap();
        let trusted = w.trust(&json!({ "jwk": jwk })).await;
        assert_eq!(trusted.status, 201, "{trusted}");
        let signer = Signer::new(Arc::clone(&pair), None, "JWT").unwrap();
        let assertion = signer.mint(&w.claims(&json!({ "jti": alg.to_string() }))).unwrap();
        assert_eq!(w.assert(assertion.expose()).await.status, 200, "{alg}");
        let forged = signed_by(Alg::HS256, &jwk.to_string(), &w.claims(&json!({})));
        assert_eq!(w.assert(&forged).await.text("/code"), "token_alg", "{alg}");
        let path = format!("/admin/applications/{}/issuers/{}", w.application, trusted.text("/id"));
        assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    }
}

#[tokio::test]
async fn n05_n06_weak_secrets_and_unusable_keys_are_refused() {
    let w = World::start().await;
    assert_snapshot!(w.trust(&json!({ "secret": "secret" })).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"key","code":"key_too_weak","detail":"key is too weak: at least 32 bytes of a random generator"}]}"#);
    assert_snapshot!(w.trust(&json!({ "jwk": { "kty": "RSA", "n": "AQAB", "e": "AQAB" } })).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"key","code":"key_rejected","detail":"key is not a usable key"}]}"#);
    assert_snapshot!(w.trust(&json!({ "jwk": { "kty": "OKP" }, "secret": SECRET })).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"jwk","code":"malformed","detail":"jwk is malformed"}]}"#);
    let made = w.trust(&json!({})).await;
    assert_eq!((made.status.as_u16(), made.text("/secret").len()), (201, 43));
}
