//! N22, N23: when access tokens and assertions count.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    authority::PresentedCredential,
    jose::{Alg, SigningKeyPair},
    key::SIGNING_PERIOD,
    testing::{SHORT_ASSERTIONS, World, outcome},
    time::{Clock as _, Timestamp},
};
use serde_json::{Value, json};

use super::{
    forge::{Parts, shown_to},
    tokens::{ALGS, ann, asserted},
};
use crate::support::world;

#[tokio::test]
async fn n22_times_of_another_type_are_refused() {
    let a = ann().await;
    let late = a.now() + 1000;
    for value in [json!(late.to_string()), json!([late]), json!(-1), json!(true), json!({}), json!(1e300)] {
        for name in ["exp", "nbf", "iat"] {
            for own in ALGS {
                let token = a.reminted(&a.token(own).claim(name, value.clone())).await;
                assert_eq!(a.gate(&token).await, "token_claims", "{own}, {name} {value}");
            }
            let claims = json!({ "_id": "ext-1", name: value });
            assert_eq!(asserted(&a.w, claims).await, "token_claims", "{name} {value}");
        }
    }
    for own in ALGS {
        assert_eq!(a.gate(&a.reminted(&a.token(own).claim("exp", Value::Null)).await).await, "token_claims", "{own}");
    }
}

#[tokio::test]
async fn n22_a_profile_that_needs_an_end_gets_one() {
    let w = world().await;
    assert_eq!(short(&w, json!({})).await, "token_claims");
    assert_eq!(short(&w, json!({ "exp": w.clock.now().seconds() + 600 })).await, "accepted");
}

/// What the gate says to an assertion of the short-lived profile.
async fn short(w: &World, times: Value) -> &'static str {
    let permit = w.home_permit();
    let trusted = w.authority.trust_issuer(&w.ctx(), &permit, w.home.application.id, SHORT_ASSERTIONS.name, None).await;
    let secret = trusted.unwrap();
    let mut claims = json!({
        "claims": { "user": "u-1" }, "sub": w.home.application.id.short(), "aud": "ringfence", "iat": w.clock.now().seconds(),
    });
    claims.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
    let key = SigningKeyPair::from_bytes(Alg::HS256, secret.expose().as_bytes()).unwrap();
    let jwt = key.mint(None, "JWT", &claims).unwrap();
    let presented =
        PresentedCredential::Assertion { project: w.home.reference(), jwt, profile: &SHORT_ASSERTIONS, claimed: None };
    outcome(&w.authority.authenticate(&w.ctx(), presented).await)
}

#[tokio::test]
async fn n23_an_assertion_lives_no_longer_than_its_profile_allows() {
    let w = world().await;
    let now = w.clock.now().seconds();
    assert_eq!(short(&w, json!({ "exp": now + 601 })).await, "token_lifetime");
    assert_eq!(short(&w, json!({ "exp": now + 601, "iat": now + 30 })).await, "accepted");
    assert_eq!(short(&w, json!({ "exp": now + 700, "iat": now + 61 })).await, "token_not_yet");
    assert_eq!(short(&w, json!({ "exp": now })).await, "token_expired");
    assert_eq!(short(&w, json!({ "exp": now + 300, "nbf": now + 61 })).await, "token_not_yet");
}

#[tokio::test]
async fn n23_a_token_from_the_future_is_refused() {
    let a = ann().await;
    for name in ["nbf", "iat"] {
        for own in ALGS {
            let ahead = |seconds: i64| a.token(own).claim(name, json!(a.now() + seconds));
            assert_eq!(a.gate(&a.reminted(&ahead(61)).await).await, "token_not_yet", "{own}, {name}");
            assert_eq!(a.gate(&a.reminted(&ahead(60)).await).await, "accepted", "{own}, {name}");
        }
        let claims = json!({ "_id": "ext-1", name: a.now() + 61 });
        assert_eq!(asserted(&a.w, claims).await, "token_not_yet", "{name}");
    }
}

#[tokio::test]
async fn n23_a_token_is_expired_from_its_very_end_and_for_ever() {
    let a = ann().await;
    let end = a.who.iter().map(|(.., token)| Parts::of(token).claims["exp"].as_i64().unwrap()).max().unwrap();
    let jwt = a.w.assertion(&a.w.home, json!({ "_id": "ext-1", "exp": end }));
    assert_eq!(outcome(&a.w.assert(&jwt).await), "accepted");
    a.w.clock.set(Timestamp::from_seconds(end - 1));
    assert_eq!(outcome(&a.w.assert(&jwt).await), "accepted");
    // At the end, a second, a day, a month, a year later; meanwhile keys rotate, sessions are swept, the server restarts.
    for later in [0, 1, 86_400, 30 * 86_400, 366 * 86_400] {
        a.w.clock.set(Timestamp::from_seconds(end + later));
        a.w.authority.rotate_keys(&a.w.ctx(), &a.w.home_permit()).await.unwrap();
        a.w.authority.sweep().await.unwrap();
        for at in [Arc::clone(&a.w.authority), a.w.node()] {
            for (own, _, token) in &a.who {
                assert_eq!(shown_to(&at, &a.w, token).await, "token_expired", "{own}, {later} s later");
            }
            let shown = at.authenticate(&a.w.ctx(), World::asserts(&a.w.home, &jwt)).await;
            assert_eq!(outcome(&shown), "token_expired", "{later} s later");
        }
    }
    assert!(Duration::from_hours(24 * 366) > SIGNING_PERIOD);
}
