//! Assertions: users of the customer's own system, vouched for by an issuer that the application trusts.

use std::time::Duration;

use ringfence_core::{
    identity::{Identifier, IdentityKind},
    session::SessionsOf,
    testing::{ASSERTIONS, SHORT_ASSERTIONS, World, outcome},
    time::Clock as _,
};
use serde_json::json;

use crate::support::world;

#[tokio::test]
async fn a_subject_is_made_at_first_sight_and_the_same_ever_after() {
    let w = world().await;
    let claims =
        json!({ "_id": "ext-1", "firstname": "Ann", "lastname": "Other", "email": "Ann@example.org", "x": [1] });
    let first = w.assert(&w.assertion(&w.home, claims)).await.unwrap();
    assert_eq!(
        (first.identity.kind, first.identity.application),
        (IdentityKind::External, Some(w.home.application.id))
    );
    assert_eq!(first.identity.profile.given_name.as_deref(), Some("Ann"));
    assert_eq!(first.identity.profile.family_name.as_deref(), Some("Other"));
    let session = first.session.as_ref().unwrap();
    assert_eq!((session.amr.clone(), session.confined), (vec!["jwt".to_owned()], true));
    assert_eq!(session.claims.as_ref().unwrap()["x"], json!([1]), "claims are kept as they came");
    let later = w.assert(&w.assertion(&w.home, json!({ "_id": "ext-1", "firstname": "Anna" }))).await.unwrap();
    assert_eq!(later.identity.id, first.identity.id);
    assert_ne!(later.session.as_ref().unwrap().id, session.id);
    assert_eq!(later.session.as_ref().unwrap().claims.as_ref().unwrap()["firstname"], "Anna");
}

#[tokio::test]
async fn a_number_and_its_text_name_one_subject() {
    let w = world().await;
    let ids = [json!(42), json!("42")].map(|id| w.assertion(&w.home, json!({ "_id": id })));
    let [one, two] = [w.assert(&ids[0]).await.unwrap(), w.assert(&ids[1]).await.unwrap()];
    assert_eq!(one.identity.id, two.identity.id);
}

#[tokio::test]
async fn the_same_subject_in_two_applications_is_two_users() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let (here, _) = w.external("ext-1").await;
    let jwt = w.assertion(&other, json!({ "_id": "ext-1" }));
    let there = w.authority.authenticate(&w.ctx(), World::asserts(&other, &jwt)).await.unwrap();
    assert_ne!(here.identity.id, there.identity.id);
}

#[tokio::test]
async fn an_assertion_shown_again_is_the_same_session() {
    let w = world().await;
    let (first, jwt) = w.external("ext-1").await;
    assert_eq!(w.trail().await, ["identity session.started session"]);
    for at in [std::sync::Arc::clone(&w.authority), w.node()] {
        let again = at.authenticate(&w.ctx(), World::asserts(&w.home, &jwt)).await.unwrap();
        assert_eq!(again.session, first.session);
    }
    assert_eq!(w.trail().await, [] as [String; 0]);
}

#[tokio::test]
async fn a_session_lasts_as_long_as_its_assertion() {
    let w = world().await;
    let exp = w.clock.now() + Duration::from_hours(100);
    let jwt = w.assertion(&w.home, json!({ "_id": "ext-1", "exp": exp.seconds() }));
    assert_eq!(w.assert(&jwt).await.unwrap().session.unwrap().expires_at, exp);
    let endless = w.assertion(&w.home, json!({ "_id": "ext-1" }));
    w.assert(&endless).await.unwrap();
    w.clock.advance(Duration::from_hours(24 * 365 * 10));
    assert_eq!(outcome(&w.assert(&jwt).await), "token_expired");
    assert_eq!(outcome(&w.assert(&endless).await), "accepted");
}

#[tokio::test]
async fn a_revoked_assertion_stays_dead_however_long_it_is_kept() {
    let w = world().await;
    let (who, jwt) = w.external("ext-1").await;
    let session = SessionsOf::Session(who.session.unwrap().id);
    w.authority.revoke_sessions(&w.ctx(), &w.home_permit(), session).await.unwrap();
    for _ in 0..4 {
        assert_eq!(outcome(&w.assert(&jwt).await), "session_revoked");
        w.clock.advance(Duration::from_hours(24 * 8));
        w.authority.sweep().await.unwrap();
    }
}

#[tokio::test]
async fn a_role_that_needs_an_account_makes_one_or_speaks_for_a_member() {
    let w = world().await;
    let claims = |jti: &str| json!({ "_id": "ext-1", "role": "agent", "email": "New@example.org", "jti": jti });
    let first = w.assert(&w.assertion(&w.home, claims("1"))).await.unwrap();
    assert_eq!((first.identity.kind, first.identity.application), (IdentityKind::Member, None));
    let again = w.assert(&w.assertion(&w.home, claims("2"))).await.unwrap();
    assert_eq!(again.identity.id, first.identity.id);
    let held = w.authority.identifiers(first.identity.id).await.unwrap();
    assert_eq!(held[0].identifier, Identifier::email("new@example.org"));
    for (email, code) in [(json!(null), "invalid"), (json!(""), "invalid"), (json!("nowhere"), "invalid")] {
        let claims = json!({ "_id": "ext-2", "role": "agent", "email": email });
        assert_eq!(outcome(&w.assert(&w.assertion(&w.home, claims)).await), code, "{email}");
    }
}

#[tokio::test]
async fn an_issuer_speaks_for_members_of_its_application() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "agent").await;
    let jwt = w.assertion(&w.home, json!({ "_id": ann.identity.id.short(), "sub": "user" }));
    let who = w.assert(&jwt).await.unwrap();
    assert_eq!(who.identity.id, ann.identity.id);
    assert!(who.session.unwrap().confined);
}

#[tokio::test]
async fn a_token_of_ours_for_a_vouched_session_is_as_confined_as_it() {
    let w = world().await;
    let (who, _) = w.external("ext-1").await;
    let back = w.bearer(&w.token(&who).await).await.unwrap();
    assert!(back.session.unwrap().confined);
}

#[tokio::test]
async fn the_algorithms_of_the_profile_are_taken_and_no_others() {
    let w = world().await;
    let claims = json!({ "_id": "ext-1", "sub": "userexternal", "aud": w.home.audience() });
    let secret = w.home.secret.expose().as_bytes();
    for alg in [ringfence_core::jose::Alg::HS384, ringfence_core::jose::Alg::HS512] {
        let key = ringfence_core::jose::SigningKeyPair::from_bytes(alg, secret).unwrap();
        let jwt = key.mint(None, "JWT", &claims).unwrap();
        assert_eq!(outcome(&w.assert(&jwt).await), "accepted", "{alg}");
        let decoded = w.authority.decode_assertion(&w.ctx(), w.home.application.id, &SHORT_ASSERTIONS, &jwt).await;
        assert_eq!(outcome(&decoded), "not_found", "no issuer of that profile");
    }
}

#[tokio::test]
async fn an_assertion_is_shown_without_anybody_signing_in() {
    let w = world().await;
    let id = w.home.application.id;
    let decode = async |jwt| w.authority.decode_assertion(&w.ctx(), id, &ASSERTIONS, &jwt).await;
    let jwt = w.assertion(&w.home, json!({ "_id": "ext-1", "x": 1 }));
    assert_eq!(decode(jwt).await.unwrap()["x"], 1);
    let other = w.application(&w.home, "gadget").await;
    assert_eq!(outcome(&decode(w.assertion(&other, json!({ "_id": "ext-1" }))).await), "token_signature");
    let old = json!({ "_id": "ext-1", "exp": w.clock.now().seconds() });
    assert_eq!(outcome(&decode(w.assertion(&w.home, old)).await), "token_expired");
    assert_eq!(w.trail().await.iter().filter(|line| line.contains("session.started")).count(), 0);
}
