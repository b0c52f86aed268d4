//! Guests: whoever visits.

use std::time::Duration;

use ringfence_core::{
    authority::PresentedCredential,
    identity::{IdentityKind, Profile},
    testing::{World, outcome},
    time::Clock as _,
};
use serde_json::{Map, json};

use crate::support::world;

fn visit_to(w: &World, target: Option<(&str, &str)>) -> PresentedCredential {
    PresentedCredential::Guest {
        project: w.home.reference(),
        profile: Profile { nickname: Some("Visitor".to_owned()), ..Profile::default() },
        attributes: Map::from_iter([("test".to_owned(), json!({ "page": "/pricing" }))]),
        target: target.map(|(kind, name)| (kind.to_owned(), name.to_owned())),
        ticket: None,
    }
}

#[tokio::test]
async fn a_guest_is_somebody_new_each_time() {
    let w = world().await;
    let (one, two) = (w.guest().await, w.guest().await);
    assert_ne!(one.identity.id, two.identity.id);
    assert_eq!(w.trail().await, ["identity session.started session", "identity session.started session"]);
    assert_eq!(w.bus.take(), []);
}

#[tokio::test]
async fn a_guest_is_what_it_says_in_the_application_that_it_visits() {
    let w = world().await;
    let guest = w.authority.sign_in(&w.ctx(), visit_to(&w, None)).await.unwrap();
    assert_eq!((guest.identity.kind, guest.identity.application), (IdentityKind::Guest, Some(w.home.application.id)));
    assert_eq!(guest.identity.profile.nickname.as_deref(), Some("Visitor"));
    assert_eq!(guest.identity.attributes["test"]["page"], "/pricing");
    let session = guest.session.unwrap();
    assert_eq!((session.amr.clone(), session.target), (vec!["anon".to_owned()], None));
    assert_eq!(session.expires_at, w.clock.now() + Duration::from_hours(24 * 30));
}

#[tokio::test]
async fn a_guest_comes_back_by_its_token() {
    let w = world().await;
    let guest = w.guest().await;
    let token = w.token(&guest).await;
    w.clock.advance(Duration::from_hours(24 * 29));
    assert_eq!(w.bearer(&token).await.unwrap().identity.id, guest.identity.id);
}

#[tokio::test]
async fn a_guest_may_name_a_target_that_the_project_lists() {
    let w = world().await;
    let permit = w.home_permit();
    let target =
        w.authority.add_guest_target(&w.ctx(), &permit, "assistant".to_owned(), "a-1".to_owned()).await.unwrap();
    let guest = w.authority.sign_in(&w.ctx(), visit_to(&w, Some(("assistant", "a-1")))).await.unwrap();
    assert_eq!(guest.session.unwrap().target, Some(target.id));
    for other in [("assistant", "a-2"), ("room", "a-1")] {
        assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), visit_to(&w, Some(other))).await), "not_found");
    }
}

#[tokio::test]
async fn guests_are_swept_a_week_after_their_last_session_ended() {
    let w = world().await;
    let guest = w.guest().await.identity.id;
    w.clock.advance(Duration::from_hours(24 * 37));
    assert_eq!(w.authority.sweep().await.unwrap().sessions, 0);
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(w.authority.sweep().await.unwrap().sessions, 1);
    let found = w.authority.identity(&w.home_permit(), guest).await;
    assert_eq!(outcome(&found), "not_found");
}
