//! The outbox.

use ringfence_core::{
    entropy::OsEntropy,
    identity::IdentityKind,
    ids::EventId,
    outbox::{EventKind, EventSubject, NewEvent, Place, Told},
    project::Project,
    session::Session,
    time::Timestamp,
};
use serde_json::json;

use crate::{
    fixtures::{identity, object, project, session},
    support::{NOW, World, at},
};

on_every_engine!(
    an_event_is_read_in_order_once_it_is_placed,
    an_event_of_what_is_not_there_is_none,
    events_are_read_from_a_moment_on_and_by_project,
    an_event_without_a_place_is_not_swept_and_others_leave_a_mark,
    places_are_given_once_however_many_give_them,
);

async fn started(w: &World) -> (Project, Session) {
    let project = project();
    let identity = identity(&project, IdentityKind::Member);
    let session = session(&identity);
    let made = (project.clone(), session.clone());
    w.write(move |tx| {
        tx.insert_project(&project)?;
        tx.insert_identity(&identity)?;
        tx.insert_session(&session, None)
    })
    .await;
    made
}

fn ended(subject: EventSubject, stored_at: Timestamp) -> NewEvent {
    let detail = object(json!({ "change_type": "update" }));
    let told = Told { kind: EventKind::SessionRevoked, subject, detail };
    NewEvent { id: EventId::mint(stored_at, &OsEntropy), told, occurred_at: NOW, stored_at }
}

async fn append(w: &World, event: NewEvent) -> EventId {
    let id = event.id;
    w.write(move |tx| tx.append_event(&event)).await;
    id
}

async fn an_event_is_read_in_order_once_it_is_placed(w: World) {
    let (project, session) = started(&w).await;
    let id = project.id;
    let first = append(&w, ended(EventSubject::Session(session.id), at(1))).await;
    let second = append(&w, ended(EventSubject::Identity(session.identity), at(2))).await;
    let state = w.read(|tx| tx.outbox_state()).await;
    assert_eq!((state.placed, state.waiting, state.webhooks), (Place(0), true, false));
    assert_eq!(w.read(move |tx| tx.events_after(id, Place(0), NOW, 10)).await, []);
    assert_eq!(w.write(|tx| tx.place_events(1)).await, 1);
    assert_eq!(w.write(|tx| tx.place_events(10)).await, 1);
    assert_eq!(w.write(|tx| tx.place_events(10)).await, 0);
    let state = w.read(|tx| tx.outbox_state()).await;
    assert_eq!((state.placed, state.waiting), (Place(2), false));
    let found = w.read(move |tx| tx.events_after(id, Place(0), NOW, 10)).await;
    let shown: Vec<_> = found.iter().map(|(place, event)| (place.0, event.id, event.session)).collect();
    assert_eq!(shown, [(1, first, Some(session.id)), (2, second, None)]);
    let (_, event) = found.into_iter().next().unwrap();
    assert_eq!((event.project, event.kind, event.identity), (id, EventKind::SessionRevoked, session.identity));
    assert_eq!((event.occurred_at, event.stored_at), (NOW, at(1)));
    assert_eq!(event.detail["change_type"], "update");
    assert_eq!(w.read(move |tx| tx.event(first)).await, Some(event));
    assert_eq!(w.read(move |tx| tx.events_after(id, Place(1), NOW, 10)).await.len(), 1);
    assert_eq!(w.read(move |tx| tx.events_after(id, Place(0), NOW, 1)).await.len(), 1);
}

async fn an_event_of_what_is_not_there_is_none(w: World) {
    let (_, session) = started(&w).await;
    let gone = identity(&project(), IdentityKind::Member);
    append(&w, ended(EventSubject::Identity(gone.id), NOW)).await;
    append(&w, ended(EventSubject::Session(crate::fixtures::session(&gone).id), NOW)).await;
    assert!(!w.read(|tx| tx.outbox_state()).await.waiting);
    append(&w, ended(EventSubject::Session(session.id), NOW)).await;
    assert!(w.read(|tx| tx.outbox_state()).await.waiting);
}

async fn events_are_read_from_a_moment_on_and_by_project(w: World) {
    let ((one, theirs), (two, ours)) = (started(&w).await, started(&w).await);
    let early = append(&w, ended(EventSubject::Session(theirs.id), at(1))).await;
    let other = append(&w, ended(EventSubject::Session(ours.id), at(2))).await;
    let late = append(&w, ended(EventSubject::Session(theirs.id), at(3))).await;
    w.write(|tx| tx.place_events(10)).await;
    let read = async |project, since| {
        let found = w.read(move |tx| tx.events_after(project, Place(0), since, 10)).await;
        found.into_iter().map(|(_, event)| event.id).collect::<Vec<_>>()
    };
    assert_eq!(read(one.id, NOW).await, [early, late]);
    assert_eq!(read(one.id, at(2)).await, [late]);
    assert_eq!(read(two.id, NOW).await, [other]);
}

async fn an_event_without_a_place_is_not_swept_and_others_leave_a_mark(w: World) {
    let (project, session) = started(&w).await;
    let id = project.id;
    for second in 1..=3 {
        append(&w, ended(EventSubject::Session(session.id), at(second))).await;
    }
    assert_eq!(w.read(|tx| tx.projects_with_events(at(1))).await, []);
    assert_eq!(w.read(|tx| tx.projects_with_events(at(2))).await, [id]);
    assert_eq!(w.write(move |tx| tx.sweep_events(id, at(9), 10)).await, 0);
    w.write(|tx| tx.place_events(10)).await;
    assert_eq!(w.read(move |tx| tx.events_forgotten_to(id)).await, Place(0));
    assert_eq!(w.write(move |tx| tx.sweep_events(id, at(3), 1)).await, 1);
    assert_eq!(w.read(move |tx| tx.events_forgotten_to(id)).await, Place(1));
    assert_eq!(w.write(move |tx| tx.sweep_events(id, at(3), 10)).await, 1);
    assert_eq!(w.write(move |tx| tx.sweep_events(id, at(3), 10)).await, 0);
    assert_eq!(w.read(move |tx| tx.events_forgotten_to(id)).await, Place(2));
    assert_eq!(w.read(move |tx| tx.events_after(id, Place(0), NOW, 10)).await.len(), 1);
}

async fn places_are_given_once_however_many_give_them(w: World) {
    let (project, session) = started(&w).await;
    for second in 0..40 {
        append(&w, ended(EventSubject::Session(session.id), at(second))).await;
    }
    let rounds: Vec<_> = (0..8)
        .map(|_| {
            let store = w.store.clone();
            tokio::spawn(async move { store.write(|tx| Ok(tx.place_events(10)?)).await.unwrap() })
        })
        .collect();
    let mut given = 0;
    for round in rounds {
        given += round.await.unwrap();
    }
    assert_eq!(given, 40);
    let found = w.read(move |tx| tx.events_after(project.id, Place(0), NOW, 100)).await;
    let places: Vec<_> = found.iter().map(|(place, _)| place.0).collect();
    assert_eq!(places, (1..=40).collect::<Vec<_>>());
    assert!(found.is_sorted_by_key(|(_, event)| event.id));
}
