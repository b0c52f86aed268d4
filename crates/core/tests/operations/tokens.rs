//! Access tokens: what they say and how long.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    secret::RawToken,
    testing::{PASSWORD, outcome},
    time::Clock as _,
};
use serde_json::{Value, json};

use crate::support::world;

/// Header and claims of a token.
fn read(token: &RawToken) -> (Value, Value) {
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let mut parts = token.expose().split('.');
    (part(parts.next().unwrap()), part(parts.next().unwrap()))
}

#[tokio::test]
async fn a_token_says_what_its_face_wants_said() {
    let w = world().await;
    let ann = w.member("ann").await;
    let now = w.clock.now().seconds();
    let id = ann.identity.id.to_string();
    for (face, alg, typ, iss, aud, sub) in [
        ("test", "HS256", "JWT", "https://issuer.test", "https://issuer.test", "user"),
        ("native", "EdDSA", "at+jwt", "https://auth.test", "ringfence", id.as_str()),
        ("ec", "ES256", "at+jwt", "https://auth.test", "ringfence", id.as_str()),
    ] {
        let who = w.sign_in_on(face, &ann).await;
        let issued = w.authority.issue_token(&w.ctx_on(face), &who, json!({ "email": ann.email })).await.unwrap();
        let (header, mut claims) = read(&issued.token);
        assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!(typ)));
        assert!(claims["jti"].as_str().unwrap().len() == 36);
        claims.as_object_mut().unwrap().remove("jti");
        let sid = who.session.as_ref().unwrap().id.to_string();
        let expected = json!({
            "email": ann.email, "iss": iss, "aud": aud, "sub": sub, "sid": sid, "iat": now, "exp": now + 86_400,
        });
        assert_eq!(claims, expected, "{face}");
        assert_eq!(issued.expires_at, w.clock.now() + Duration::from_hours(24));
    }
}

#[tokio::test]
async fn two_tokens_of_a_session_differ_and_both_count() {
    let w = world().await;
    let who = w.guest().await;
    let (one, two) = (w.token(&who).await, w.token(&who).await);
    assert_ne!(one.expose(), two.expose());
    for token in [one, two] {
        let back = w.bearer(&token).await.unwrap();
        assert_eq!((back.identity.id, back.session), (who.identity.id, who.session.clone()));
    }
}

#[tokio::test]
async fn a_token_never_outlives_its_session() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in_on("native", &ann).await;
    w.clock.advance(Duration::from_hours(24 * 30 - 1));
    let issued = w.authority.issue_token(&w.ctx_on("native"), &who, json!({})).await.unwrap();
    assert_eq!(issued.expires_at, who.session.as_ref().unwrap().expires_at);
    w.clock.advance(Duration::from_hours(1));
    assert_eq!(outcome(&w.bearer(&issued.token).await), "token_expired");
    assert_eq!(outcome(&w.authority.issue_token(&w.ctx_on("native"), &who, json!({})).await), "token_expired");
}

#[tokio::test]
async fn a_token_has_the_shape_of_the_face_that_its_session_was_started_through() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in_on("native", &ann).await;
    let issued = w.authority.issue_token(&w.ctx_on("test"), &who, json!({})).await.unwrap();
    assert_eq!(read(&issued.token).0["alg"], "EdDSA");
    assert_eq!(outcome(&w.bearer(&issued.token).await), "accepted");
}

#[tokio::test]
async fn there_is_no_token_without_a_session_or_without_a_shape() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.authority.authenticate(&w.ctx(), ann.shows(PASSWORD)).await.unwrap();
    assert_eq!(outcome(&w.authority.issue_token(&w.ctx(), &who, json!({})).await), "not_found");
    let shapeless = w.sign_in_on("console", &ann).await;
    assert_eq!(outcome(&w.authority.issue_token(&w.ctx_on("console"), &shapeless, json!({})).await), "not_supported");
}

#[tokio::test]
async fn extra_claims_do_not_take_the_place_of_ours() {
    let w = world().await;
    let who = w.guest().await;
    let extra = json!({ "sid": "another", "exp": 9_999_999_999_i64, "iss": "https://evil.example", "sub": "root" });
    let issued = w.authority.issue_token(&w.ctx(), &who, extra).await;
    // Each name twice is not JSON that anybody reads, ourselves least.
    assert_eq!(outcome(&w.bearer(&issued.unwrap().token).await), "token_malformed");
}

#[tokio::test]
async fn a_reader_of_the_store_only_once_in_30_seconds() {
    let w = world().await;
    let who = w.guest().await;
    let token = w.token(&who).await;
    let first = w.bearer(&token).await.unwrap();
    w.clock.advance(Duration::from_secs(29));
    let second = w.bearer(&token).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first.identity, &second.identity), "what was read is remembered");
    w.clock.advance(Duration::from_secs(1));
    let third = w.bearer(&token).await.unwrap();
    assert!(!std::sync::Arc::ptr_eq(&first.identity, &third.identity), "and read again after that");
}

#[tokio::test]
async fn a_token_for_an_endless_session_has_an_end() {
    let w = world().await;
    let (who, _) = w.external("ext-1").await;
    let issued = w.authority.issue_token(&w.ctx(), &who, json!({})).await.unwrap();
    assert_eq!(issued.expires_at, w.clock.now() + Duration::from_hours(24 * 30));
}

#[tokio::test]
async fn a_token_in_a_query_is_accepted_where_the_project_says_so_and_each_use_is_noted() {
    let w = world().await;
    let token = w.token(&w.guest().await).await;
    let who = w.bearer(&token).await.unwrap();
    assert_eq!(outcome(&w.authority.accept_token_in_query(&w.ctx(), &who).await), "not_supported");
    let mut policy = w.home.project.policy.clone();
    policy.compat.token_in_query = true;
    w.authority.configure_project(&w.ctx(), &w.home_permit(), policy).await.unwrap();
    let who = w.bearer(&token).await.unwrap();
    w.trail().await;
    for _ in 0..2 {
        w.authority.accept_token_in_query(&w.ctx(), &who).await.unwrap();
        assert_eq!(w.trail().await, ["identity compat.token_in_query identity"]);
    }
}
