//! What other servers are told: by which operations, in which words, for how long.

use std::time::Duration;

use ringfence_core::{
    authority::{ProfileChange, Upgrade},
    outbox::{EventKind, OutboxEvent, Place},
    secret::{Password, RawToken},
    session::SessionsOf,
    testing::{PASSWORD, World},
    time::{Clock as _, Timestamp},
};
use serde_json::Value;

use crate::support::world;

/// What there is after a place.
async fn told(w: &World) -> Vec<OutboxEvent> {
    w.authority.place_events().await.unwrap();
    let found = w.authority.events_after(&w.home_permit(), Place(0), Timestamp::default(), 100).await.unwrap();
    found.into_iter().map(|(_, event)| event).collect()
}

/// Kinds and what they are about, in a fixed order.
async fn names(w: &World) -> Vec<String> {
    let about = |event: &OutboxEvent| if event.session.is_some() { "session" } else { "user" };
    let mut names: Vec<_> = told(w).await.iter().map(|event| format!("{} of {}", event.kind, about(event))).collect();
    names.sort();
    names
}

fn claims(token: &RawToken) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn signing_in_tells_nobody_anything_and_signing_out_tells_of_the_session() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (one, guest) = (w.sign_in(&ann).await, w.guest().await);
    w.token(&one).await;
    w.token(&guest).await;
    assert_eq!(names(&w).await, [] as [String; 0]);
    w.authority.sign_out(&w.ctx(), &one).await.unwrap();
    let told = told(&w).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].session, Some(one.session.as_ref().unwrap().id));
    assert_eq!((told[0].identity, told[0].occurred_at), (ann.identity.id, w.clock.now()));
}

#[tokio::test]
async fn an_ended_session_is_told_as_a_security_event_token() {
    let w = world().await;
    let ann = w.member("ann").await;
    let one = w.sign_in(&ann).await;
    w.authority.sign_out(&w.ctx(), &one).await.unwrap();
    let event = told(&w).await.remove(0);
    let token = w.authority.mint_event(&w.ctx(), &event).await.unwrap();
    let claims = claims(&token);
    let iss = format!("{}/projects/{}", w.authority.public_url(), w.home.project.id);
    let now = w.clock.now().seconds();
    let expected = serde_json::json!({
        "iss": iss,
        "jti": event.id.to_string(),
        "iat": now,
        "sub_id": {
            "format": "complex",
            "session": { "format": "opaque", "id": one.session.as_ref().unwrap().id.to_string() },
            "user": { "format": "iss_sub", "iss": iss, "sub": ann.identity.id.to_string() },
        },
        "events": {
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked": { "event_timestamp": now },
        },
    });
    assert_eq!(claims, expected);
    // The same event again is the same token, and none of them opens anything (ATTACKS N19).
    assert_eq!(w.authority.mint_event(&w.ctx(), &event).await.unwrap().expose(), token.expose());
    assert_eq!(ringfence_core::testing::outcome(&w.bearer(&token).await), "token_type");
}

#[tokio::test]
async fn a_new_password_is_told_of_each_session_and_of_the_user() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    w.sign_in(&ann).await;
    let (old, new) = (Password::new(PASSWORD), Password::new("another horse battery staple"));
    w.authority.change_password(&w.ctx(), &who, old, new).await.unwrap();
    assert_eq!(
        names(&w).await,
        [
            "credential-change of user",
            "session-revoked of session",
            "session-revoked of session",
            "session-revoked of user"
        ]
    );
    let told = told(&w).await;
    let change = told.iter().find(|event| event.kind.as_str() == "credential-change").unwrap();
    assert_eq!(
        Value::Object(change.detail.clone()),
        serde_json::json!({ "credential_type": "password", "change_type": "update" })
    );
}

#[tokio::test]
async fn whoever_is_shut_out_is_told_of_as_a_user() {
    let w = world().await;
    let (ann, bob) = (w.member("ann").await, w.member("bob").await);
    w.sign_in(&ann).await;
    w.authority.suspend_identity(&w.ctx(), &w.home_permit(), ann.identity.id, true).await.unwrap();
    assert_eq!(names(&w).await, ["session-revoked of session", "session-revoked of user"]);
    // Letting in again takes nothing from anybody.
    w.authority.suspend_identity(&w.ctx(), &w.home_permit(), ann.identity.id, false).await.unwrap();
    assert_eq!(names(&w).await.len(), 2);
    w.authority.erase_identity(&w.ctx(), &w.home_permit(), bob.identity.id).await.unwrap();
    assert_eq!(names(&w).await.len(), 3);
}

#[tokio::test]
async fn a_change_of_the_profile_or_a_refusal_is_nobody_elses_business() {
    let w = world().await;
    let ann = w.member("ann").await;
    let change = ProfileChange { nickname: Some(Some("Annie".to_owned())), ..ProfileChange::default() };
    w.authority.change_identity(&w.ctx(), &w.home_permit(), ann.identity.id, change).await.unwrap();
    let elsewhere = w.place("elsewhere").await;
    let (theirs, of) = (w.permit(elsewhere.project.id), SessionsOf::Identity(ann.identity.id));
    let refused = w.authority.revoke_sessions(&w.ctx(), &theirs, of).await;
    assert_eq!(ringfence_core::testing::outcome(&refused), "not_found");
    assert_eq!(names(&w).await, [] as [String; 0]);
}

#[tokio::test]
async fn n89_events_of_another_project_are_not_read() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    w.authority.sign_out(&w.ctx(), &who).await.unwrap();
    assert_eq!(told(&w).await.len(), 1);
    let elsewhere = w.place("elsewhere").await;
    let permit = w.permit(elsewhere.project.id);
    let found = w.authority.events_after(&permit, Place(0), Timestamp::default(), 100).await.unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn events_are_kept_as_long_as_tokens_may_live_and_their_place_is_forgotten_with_them() {
    let w = world().await;
    let ann = w.member("ann").await;
    let permit = w.home_permit();
    let who = w.sign_in(&ann).await;
    w.authority.sign_out(&w.ctx(), &who).await.unwrap();
    // Nobody reads, and so it has no place yet.
    w.clock.advance(Duration::from_hours(24 * 30));
    assert_eq!(w.authority.sweep().await.unwrap().events, 0);
    assert!(w.authority.can_resume(&permit, Place(0)).await.unwrap());
    w.clock.advance(Duration::from_hours(2));
    assert_eq!(w.authority.sweep().await.unwrap().events, 1);
    assert!(!w.authority.can_resume(&permit, Place(0)).await.unwrap());
    assert!(w.authority.can_resume(&permit, Place(1)).await.unwrap());
    assert!(!w.authority.can_resume(&permit, Place(2)).await.unwrap());
}

#[tokio::test]
async fn who_checks_tokens_elsewhere_is_told_how_long_a_guest_s_still_count() {
    let w = world().await;
    let guest = w.guest().await;
    let wanted = Upgrade { email: "gus@example.org".to_owned(), password: Password::new(PASSWORD), verify: None };
    w.authority.upgrade_guest(&w.ctx(), &guest, wanted).await.unwrap();
    let told = told(&w).await;
    let change = told.iter().find(|event| event.kind == EventKind::TokenClaimsChange).unwrap();
    let until = w.clock.now() + Duration::from_mins(1);
    let expected = serde_json::json!({ "claims": { "kind": "member" }, "old_tokens_until": until.seconds() });
    assert_eq!(Value::Object(change.detail.clone()), expected);
    // It is when the guest's session ends here.
    let id = guest.session.as_ref().unwrap().id;
    let session = w.store.read(move |tx| Ok(tx.session(id)?)).await.unwrap().unwrap();
    assert_eq!(session.expires_at, until);
}
