//! Sessions: started by signing in, listed, ended.

use std::time::Duration;

use ringfence_core::{
    event::SecurityEvent,
    session::SessionsOf,
    testing::{PASSWORD, outcome},
    time::Clock as _,
};

use crate::support::world;

#[tokio::test]
async fn signing_in_starts_a_session_and_showing_a_password_with_a_request_does_not() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.trail().await;
    let signed_in = w.sign_in(&ann).await;
    let session = signed_in.session.as_ref().unwrap();
    assert_eq!((session.amr.clone(), session.auth_time), (vec!["pwd".to_owned()], w.clock.now()));
    assert_eq!((session.application, session.confined), (Some(w.home.application.id), false));
    assert_eq!(w.trail().await, ["identity session.started session"]);
    let with_request = w.authority.authenticate(&w.ctx(), ann.shows(PASSWORD)).await.unwrap();
    assert!(with_request.session.is_none());
    assert_eq!(w.trail().await, [] as [String; 0]);
}

#[tokio::test]
async fn a_session_lives_as_long_as_its_face_can_renew_its_tokens() {
    let w = world().await;
    let ann = w.member("ann").await;
    for (face, hours) in [("test", 24), ("native", 24 * 30)] {
        let session = w.sign_in_on(face, &ann).await.session.unwrap();
        assert_eq!(session.expires_at, w.clock.now() + Duration::from_hours(hours), "{face}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_own_session_and_no_other() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (one, two) = (w.sign_in(&ann).await, w.sign_in(&ann).await);
    let (first, second) = (w.token(&one).await, w.token(&two).await);
    w.trail().await;
    w.bus.take();
    w.authority.sign_out(&w.ctx(), &one).await.unwrap();
    assert_eq!(outcome(&w.bearer(&first).await), "session_revoked");
    assert_eq!(outcome(&w.bearer(&second).await), "accepted");
    assert_eq!(w.trail().await, ["identity session.revoked session"]);
    assert_eq!(w.bus.take(), [SecurityEvent::SessionRevoked(one.session.as_ref().unwrap().id)]);
    // Again is no failure, and says nothing more.
    w.authority.sign_out(&w.ctx(), &one).await.unwrap();
    assert_eq!((w.trail().await, w.bus.take()), (vec![], vec![]));
}

#[tokio::test]
async fn whoever_has_no_session_cannot_sign_out() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.authority.authenticate(&w.ctx(), ann.shows(PASSWORD)).await.unwrap();
    assert_eq!(outcome(&w.authority.sign_out(&w.ctx(), &who).await), "not_found");
}

#[tokio::test]
async fn sessions_are_ended_by_whom_and_where_they_are_of() {
    let w = world().await;
    let (ann, bob) = (w.member("ann").await, w.member("bob").await);
    let other = w.application(&w.home, "gadget").await;
    let elsewhere = ringfence_core::testing::Member { application: other.application.id, ..bob.clone() };
    let permit = w.home_permit();
    let id = async |member| w.sign_in(member).await.session.unwrap().id;
    let (a1, a2, a3, b1, b2) = (id(&ann).await, id(&ann).await, id(&ann).await, id(&bob).await, id(&elsewhere).await);
    for (of, mut ended) in [
        (SessionsOf::Session(a1), vec![a1]),
        (SessionsOf::IdentityExcept(ann.identity.id, a2), vec![a3]),
        (SessionsOf::Application(other.application.id), vec![b2]),
        (SessionsOf::Identity(ann.identity.id), vec![a2]),
        (SessionsOf::Project(w.home.project.id), vec![b1]),
        (SessionsOf::Project(w.home.project.id), vec![]),
    ] {
        let mut revoked = w.authority.revoke_sessions(&w.ctx(), &permit, of).await.unwrap();
        revoked.sort();
        ended.sort();
        assert_eq!(revoked, ended, "{of:?}");
    }
}

#[tokio::test]
async fn live_sessions_are_listed_in_pages_and_ended_ones_are_still_shown_by_id() {
    let w = world().await;
    let ann = w.member("ann").await;
    let permit = w.home_permit();
    let mut ids = Vec::new();
    for _ in 0..5 {
        w.clock.advance(Duration::from_secs(1));
        ids.push(w.sign_in(&ann).await.session.unwrap().id);
    }
    w.authority.revoke_sessions(&w.ctx(), &permit, SessionsOf::Session(ids[1])).await.unwrap();
    let of = SessionsOf::Identity(ann.identity.id);
    let page = async |after, limit| {
        let found = w.authority.sessions(&w.ctx(), &permit, of, after, limit).await.unwrap();
        found.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [ids[0], ids[2]]);
    assert_eq!(page(Some(ids[2]), 2).await, [ids[3], ids[4]]);
    assert_eq!(page(Some(ids[4]), 2).await, []);
    let ended = w.authority.session(&permit, ids[1]).await.unwrap();
    assert_eq!(ended.revoked_at, Some(w.clock.now()));
    w.clock.advance(Duration::from_hours(24));
    assert_eq!(page(None, 10).await, []);
}

#[tokio::test]
async fn open_connections_learn_which_sessions_still_count() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (one, two) = (w.sign_in(&ann).await, w.sign_in(&ann).await);
    let [one_id, two_id] = [&one, &two].map(|who| who.session.as_ref().unwrap().id);
    w.authority.sign_out(&w.ctx(), &one).await.unwrap();
    let live: Vec<_> =
        w.authority.still_live(vec![one_id, two_id]).await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(live, [two_id]);
    w.clock.advance(Duration::from_hours(24));
    assert_eq!(w.authority.still_live(vec![one_id, two_id]).await.unwrap(), []);
    assert_eq!(w.authority.still_live(vec![]).await.unwrap(), []);
}
