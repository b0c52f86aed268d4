use ringfence_core::{
    caller::Scope,
    entropy::OsEntropy,
    ids::{GuestTargetId, SessionId},
    session::{Session, SessionsOf},
};

use crate::{
    fixtures::{self, object},
    membership::membership,
    support::{NOW, World, at, is_conflict},
};

on_every_engine!(
    a_session_reads_back_whole,
    a_foreign_token_starts_one_session,
    a_standpoint_has_all_that_decides,
    a_session_is_live_until_the_moment_it_ends,
    every_way_to_name_sessions_ends_those_and_no_others,
    sessions_are_paged_by_id,
    still_live_answers_for_any_number,
    a_sweep_takes_what_ended_and_no_more_than_asked,
    a_session_needs_its_identity,
);

async fn a_session_reads_back_whole(w: World) {
    let project = w.project().await;
    let (ann, application) = (w.member_of(&project).await, w.application(&project).await);
    let issuer = fixtures::issuer(&application);
    let session = Session {
        application: Some(application.id),
        confined: true,
        issuer: Some(issuer.id),
        scopes: [Scope::TokensIssue].into_iter().collect(),
        target: Some(GuestTargetId::mint(NOW, &OsEntropy)),
        claims: Some(object(serde_json::json!({"sub": "x", "n": [1.5, null]}))),
        ..fixtures::session(&ann)
    };
    w.write(move |tx| tx.insert_issuer(&issuer)).await;
    let session = w.start(session).await;
    let id = session.id;
    assert_eq!(w.read(move |tx| tx.session(id)).await, Some(session));
}

async fn a_foreign_token_starts_one_session(w: World) {
    let ann = w.member().await;
    let (first, again, bearer) = (fixtures::session(&ann), fixtures::session(&ann), fixtures::digest());
    let (id, lost, a, b, c) = (first.id, again.id, bearer.clone(), bearer.clone(), bearer);
    assert!(w.write(move |tx| tx.insert_session(&first, Some(&a))).await);
    assert!(!w.write(move |tx| tx.insert_session(&again, Some(&b))).await);
    w.write(move |tx| tx.revoke_sessions(SessionsOf::Session(id), NOW)).await;
    assert_eq!(w.read(move |tx| tx.session_by_bearer(&c)).await, Some(id), "an ended one, too");
    assert_eq!(w.read(move |tx| tx.session(lost)).await, None);
}

async fn a_standpoint_has_all_that_decides(w: World) {
    let project = w.project().await;
    let (ann, application) = (w.member_of(&project).await, w.application(&project).await);
    let through = Session { application: Some(application.id), ..fixtures::session(&ann) };
    let (through, without) = (w.start(through).await, w.session(&ann).await);
    let (a, b) = (through.id, without.id);
    let found = w.read(move |tx| tx.standpoint(a)).await.unwrap();
    assert_eq!(
        (found.session, found.identity, found.application, found.project),
        (through, ann.clone(), Some(application), project.clone())
    );
    let found = w.read(move |tx| tx.standpoint(b)).await.unwrap();
    assert_eq!((found.session, found.identity, found.application, found.project), (without, ann, None, project));
    assert!(w.read(|tx| tx.standpoint(SessionId::mint(NOW, &OsEntropy))).await.is_none());
}

async fn a_session_is_live_until_the_moment_it_ends(w: World) {
    let session = w.session(&w.member().await).await;
    let (id, end) = (session.id, session.expires_at);
    let last = at(3599);
    assert_eq!(w.read(move |tx| tx.still_live(&[id], last)).await, [(id, end)]);
    assert_eq!(w.read(move |tx| tx.still_live(&[id], end)).await, []);
    assert_eq!(w.write(move |tx| tx.revoke_sessions(SessionsOf::Session(id), end)).await, [], "too late");
    assert_eq!(w.write(move |tx| tx.revoke_sessions(SessionsOf::Session(id), last)).await, [id]);
    assert_eq!(w.read(move |tx| tx.still_live(&[id], NOW)).await, []);
    assert_eq!(w.read(move |tx| tx.session(id)).await.unwrap().revoked_at, Some(last));
}

async fn every_way_to_name_sessions_ends_those_and_no_others(w: World) {
    let project = w.project().await;
    let (ann, ben, eve) = (w.member_of(&project).await, w.member_of(&project).await, w.member().await);
    let application = w.application(&project).await;
    let issuer = fixtures::issuer(&application);
    let (app, signer, whole) = (application.id, issuer.id, project.id);
    w.write(move |tx| tx.insert_issuer(&issuer)).await;
    let plain = w.session(&ann).await.id;
    let kept = w.session(&ann).await.id;
    let through = w.start(Session { application: Some(app), ..fixtures::session(&ben) }).await.id;
    let asserted = w.start(Session { issuer: Some(signer), ..fixtures::session(&ben) }).await.id;
    let last = w.session(&ben).await.id;
    let place = membership(&application, &ben);
    assert!(w.write(move |tx| tx.insert_membership(&place)).await);
    let by_face = w.start(Session { dialect: "face".to_owned(), ..fixtures::session(&ben) }).await.id;
    w.start(Session { dialect: "face".to_owned(), ..fixtures::session(&eve) }).await;
    let elsewhere = w.session(&eve).await.id;
    for (of, ended) in [
        (SessionsOf::IdentityExcept(ann.id, kept), vec![plain]),
        (SessionsOf::Identity(ann.id), vec![kept]),
        (SessionsOf::Application(app), vec![through]),
        (SessionsOf::Issuer(signer), vec![asserted]),
        (SessionsOf::Members(app, "other"), vec![]),
        (SessionsOf::Members(app, "face"), vec![by_face]),
        (SessionsOf::Project(whole), vec![last]),
        (SessionsOf::Session(elsewhere), vec![elsewhere]),
    ] {
        let listed = w.read(move |tx| tx.sessions(of, NOW, None, 9)).await;
        assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), ended, "{of:?}");
        assert_eq!(w.write(move |tx| tx.revoke_sessions(of, NOW)).await, ended, "{of:?}");
        assert_eq!(w.write(move |tx| tx.revoke_sessions(of, NOW)).await, [], "{of:?}");
    }
}

async fn sessions_are_paged_by_id(w: World) {
    let ann = w.member().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(w.session(&ann).await);
    }
    all.sort_by_key(|session| session.id);
    let (of, after) = (SessionsOf::Project(ann.project), all[1].id);
    assert_eq!(w.read(move |tx| tx.sessions(of, NOW, None, 2)).await, all[..2]);
    assert_eq!(w.read(move |tx| tx.sessions(of, NOW, Some(after), 9)).await, all[2..]);
    assert_eq!(w.read(move |tx| tx.sessions(of, at(3600), None, 9)).await, []);
}

async fn still_live_answers_for_any_number(w: World) {
    let ann = w.member().await;
    let rows: Vec<_> = (0..130).map(|_| fixtures::session(&ann)).collect();
    let mut live: Vec<_> = rows.iter().map(|session| session.id).collect();
    w.write(move |tx| rows.iter().try_for_each(|session| tx.insert_session(session, None).map(drop))).await;
    let ended = live.swap_remove(70);
    w.write(move |tx| tx.revoke_sessions(SessionsOf::Session(ended), NOW)).await;
    live.sort();
    for count in [0, 1, 63, 64, 65, 128, 129] {
        let mut asked = live[..count].to_vec();
        asked.extend([ended, SessionId::mint(NOW, &OsEntropy)]);
        let found = w.read(move |tx| tx.still_live(&asked, NOW)).await;
        let mut found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        found.sort();
        assert_eq!(found, live[..count]);
    }
    assert_eq!(w.read(|tx| tx.still_live(&[], NOW)).await, []);
}

async fn a_sweep_takes_what_ended_and_no_more_than_asked(w: World) {
    let ann = w.member().await;
    let expired = Session { expires_at: at(10), ..fixtures::session(&ann) };
    let both = Session { expires_at: at(10), revoked_at: Some(at(5)), ..fixtures::session(&ann) };
    let revoked = Session { revoked_at: Some(at(15)), ..fixtures::session(&ann) };
    let live = fixtures::session(&ann);
    for session in [&expired, &both, &revoked, &live] {
        w.start(session.clone()).await;
    }
    assert_eq!(w.write(|tx| tx.sweep_sessions(at(5), 9)).await, 0);
    assert_eq!(w.write(|tx| tx.sweep_sessions(at(6), 9)).await, 1, "the revoked one, long before it would expire");
    assert_eq!(w.write(|tx| tx.sweep_sessions(at(16), 1)).await, 1);
    assert_eq!(w.write(|tx| tx.sweep_sessions(at(16), 9)).await, 1);
    assert_eq!(w.write(|tx| tx.sweep_sessions(at(16), 9)).await, 0);
    assert!(w.read(move |tx| tx.session(live.id)).await.is_some());
}

async fn a_session_needs_its_identity(w: World) {
    let stranger = fixtures::identity(&w.project().await, ringfence_core::identity::IdentityKind::Guest);
    let session = fixtures::session(&stranger);
    assert!(is_conflict(&w.refused(move |tx| tx.insert_session(&session, None)).await));
}
