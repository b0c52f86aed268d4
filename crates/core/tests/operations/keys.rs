//! Signing keys: made on need, rotated by the calendar or by hand, published as far as they are public.

use std::time::Duration;

use ringfence_core::{
    authority::Authority,
    event::SecurityEvent,
    jose::{Alg, Unverified, VerifyingKey},
    key::{KeySet, SIGNING_PERIOD, SigningKey},
    secret::RawToken,
    testing::{Member, World, outcome},
    time::Clock as _,
};
use serde_json::json;

use crate::support::world;

async fn keys(w: &World) -> Vec<SigningKey> {
    w.authority.signing_keys(&w.ctx(), &w.home_permit()).await.unwrap()
}

async fn published_kids(w: &World) -> Vec<String> {
    let jwks = w.authority.jwks(&w.ctx()).await.unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|jwk| jwk["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &RawToken) -> String {
    Unverified::parse(token.expose()).unwrap().header().kid.clone().unwrap()
}

async fn fresh_token(w: &World, at: &Authority, face: &'static str, member: &Member) -> RawToken {
    let who = w.sign_in_on(face, member).await;
    at.issue_token(&w.ctx_on(face), &who, json!({})).await.unwrap().token
}

#[tokio::test]
async fn a_key_is_made_when_first_needed_and_used_again() {
    let w = world().await;
    let ann = w.member("ann").await;
    assert!(keys(&w).await.is_empty());
    w.trail().await;
    w.bus.take();
    let first = fresh_token(&w, &w.authority, "ec", &ann).await;
    assert_eq!(w.trail().await, ["system key.created key", "identity session.started session"]);
    assert_eq!(w.bus.take(), [SecurityEvent::KeysChanged(w.home.project.id)]);
    let elsewhere = fresh_token(&w, &w.node(), "ec", &ann).await;
    assert_eq!(kid(&first), kid(&elsewhere));
    let made = keys(&w).await;
    assert_eq!((made.len(), made[0].alg, made[0].set.as_str()), (1, Alg::ES256, "published"));
}

#[tokio::test]
async fn each_project_has_its_own_keys() {
    let w = world().await;
    let far = w.place("far").await;
    let (ann, bob) = (w.member("ann").await, w.member_of(&far, "bob").await);
    let (one, two) =
        (fresh_token(&w, &w.authority, "test", &ann).await, fresh_token(&w, &w.authority, "test", &bob).await);
    assert_ne!(kid(&one), kid(&two));
    for token in [one, two] {
        assert_eq!(outcome(&w.bearer(&token).await), "accepted");
    }
}

#[tokio::test]
async fn the_jwks_holds_every_asymmetric_key_and_no_symmetric_one() {
    let w = world().await;
    let ann = w.member("ann").await;
    for face in ["test", "native", "rsa", "ec"] {
        fresh_token(&w, &w.authority, face, &ann).await;
    }
    let claims = json!({ "sub": "ann" });
    w.authority.sign_for(&w.ctx(), w.home.project.id, KeySet::Shared("relay"), &claims).await.unwrap();
    assert_eq!(keys(&w).await.len(), 5);
    let jwks = w.authority.jwks(&w.ctx()).await.unwrap();
    let published = jwks["keys"].as_array().unwrap();
    let mut kinds: Vec<_> = published.iter().map(|jwk| jwk["kty"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["EC", "OKP", "RSA"]);
    for jwk in published {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(jwk.get(private).is_none(), "{private} is published");
        }
    }
    let all = keys(&w).await;
    for key in all.iter().filter(|key| key.set != "published") {
        assert!(key.public.is_none() && key.alg == Alg::HS256);
    }
}

#[tokio::test]
async fn whoever_has_the_jwks_verifies_our_tokens() {
    let w = world().await;
    let ann = w.member("ann").await;
    for (face, alg) in [("native", Alg::EdDSA), ("ec", Alg::ES256)] {
        let token = fresh_token(&w, &w.authority, face, &ann).await;
        let jwks = w.authority.jwks(&w.ctx()).await.unwrap();
        let jwk = jwks["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == json!(kid(&token))).unwrap();
        let key = VerifyingKey::from_jwk(jwk, alg).unwrap();
        let claims = Unverified::parse(token.expose()).unwrap().verify(&key).unwrap();
        assert_eq!(claims.string("sub").unwrap(), Some(ann.identity.id.to_string().as_str()));
    }
}

#[tokio::test]
async fn after_its_period_a_key_hands_over_and_verifies_until_its_tokens_have_ended() {
    let w = world().await;
    let ann = w.member("ann").await;
    let first = fresh_token(&w, &w.authority, "ec", &ann).await;
    let hour = Duration::from_hours(1);
    w.clock.advance(SIGNING_PERIOD.saturating_sub(hour));
    let second = fresh_token(&w, &w.authority, "ec", &ann).await;
    assert_eq!(kid(&first), kid(&second));
    w.clock.advance(hour);
    let third = fresh_token(&w, &w.authority, "ec", &ann).await;
    assert_ne!(kid(&second), kid(&third));
    assert_eq!(published_kids(&w).await.len(), 2);
    let elsewhere = w.node();
    for at in [&*w.authority, &*elsewhere] {
        let shown = ringfence_core::authority::PresentedCredential::AccessToken(second.clone());
        assert_eq!(outcome(&at.authenticate(&w.ctx(), shown).await), "accepted", "the old key still verifies");
    }
    let retired = keys(&w).await.into_iter().find(|key| key.kid == kid(&second)).unwrap();
    assert_eq!(retired.retired_at, Some(w.clock.now()));
    assert_eq!(retired.expires_at, Some(w.clock.now() + Duration::from_hours(24 * 30)));
    w.clock.advance(Duration::from_hours(24 * 30));
    assert_eq!(published_kids(&w).await, [kid(&third)]);
    assert_eq!(outcome(&w.bearer(&second).await), "token_expired");
}

#[tokio::test]
async fn an_expired_key_vouches_for_nothing_even_unexpired() {
    let w = world().await;
    let ann = w.member("ann").await;
    let token = fresh_token(&w, &w.authority, "ec", &ann).await;
    // Ended by hand, as after a theft: the token would live on.
    let (kid, now) = (kid(&token), w.clock.now());
    w.store.write(move |tx| Ok(tx.retire_signing_key(&kid, now, now)?)).await.unwrap();
    assert_eq!(outcome(&w.node().authenticate(&w.ctx(), shown(&token)).await), "token_key");
    w.clock.advance(Duration::from_secs(30));
    assert_eq!(outcome(&w.bearer(&token).await), "token_key");
}

fn shown(token: &RawToken) -> ringfence_core::authority::PresentedCredential {
    ringfence_core::authority::PresentedCredential::AccessToken(token.clone())
}

#[tokio::test]
async fn keys_are_rotated_by_hand_at_once_and_for_every_set() {
    let w = world().await;
    let ann = w.member("ann").await;
    let faces = ["test", "native", "ec"];
    let mut old = Vec::new();
    for face in faces {
        old.push(fresh_token(&w, &w.authority, face, &ann).await);
    }
    w.clock.advance(Duration::from_secs(1));
    w.trail().await;
    w.bus.take();
    let all = w.authority.rotate_keys(&w.ctx(), &w.home_permit()).await.unwrap();
    assert_eq!(w.trail().await, ["operator key.created key"; 3]);
    assert_eq!(w.bus.take(), [SecurityEvent::KeysChanged(w.home.project.id); 3]);
    assert_eq!(all.iter().filter(|key| key.retired_at.is_none()).count(), 3);
    assert_eq!(all.len(), 6);
    for (face, token) in faces.into_iter().zip(&old) {
        assert_eq!(outcome(&w.bearer(token).await), "accepted");
        assert_ne!(kid(&fresh_token(&w, &w.authority, face, &ann).await), kid(token), "{face}");
    }
}

#[tokio::test]
async fn a_node_that_missed_a_rotation_signs_with_the_new_key_after_30_seconds() {
    let w = world().await;
    let ann = w.member("ann").await;
    let deaf = w.node();
    let before = kid(&fresh_token(&w, &deaf, "ec", &ann).await);
    w.authority.rotate_keys(&w.ctx(), &w.home_permit()).await.unwrap();
    w.clock.advance(Duration::from_secs(30));
    assert_ne!(kid(&fresh_token(&w, &deaf, "ec", &ann).await), before);
}

#[tokio::test]
async fn a_token_for_another_server_is_not_taken_back() {
    let w = world().await;
    let claims = json!({ "sub": "ann", "sid": "x", "exp": w.clock.now().seconds() + 60 });
    let token = w.authority.sign_for(&w.ctx(), w.home.project.id, KeySet::Shared("relay"), &claims).await.unwrap();
    assert_eq!(outcome(&w.bearer(&token).await), "token_key");
    assert_eq!(outcome(&w.node().authenticate(&w.ctx(), shown(&token)).await), "token_key");
}

#[tokio::test]
async fn a_set_holds_keys_of_its_kind_only() {
    let w = world().await;
    let claims = json!({ "sub": "ann" });
    // HS256 in the published set would publish a secret's tokens under a key that nobody can have.
    let signed = w.authority.sign_for(&w.ctx(), w.home.project.id, KeySet::Published, &claims).await;
    assert_eq!(outcome(&signed), "internal");
    assert!(keys(&w).await.is_empty());
}

#[tokio::test]
async fn a_key_that_another_server_shares_is_not_changed_by_the_calendar() {
    let w = world().await;
    let sign = async || {
        let claims = json!({ "sub": "ann" });
        let set = KeySet::Shared("relay");
        kid(&w.authority.sign_for(&w.ctx(), w.home.project.id, set, &claims).await.unwrap())
    };
    let first = sign().await;
    w.clock.advance(SIGNING_PERIOD * 4);
    assert_eq!(sign().await, first);
    w.authority.rotate_keys(&w.ctx(), &w.home_permit()).await.unwrap();
    assert_eq!(sign().await, first);
}
