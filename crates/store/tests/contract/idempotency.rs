//! Remembered answers.

use ringfence_core::{idempotency::Remembered, seal::Sealed, secret::TokenDigest, time::Timestamp};

use crate::support::{NOW, World, at};

on_every_engine!(a_request_is_remembered_once_with_its_answer, an_old_request_makes_room_and_is_swept,);

fn asked(name: &str, request: &str, at: Timestamp) -> Remembered {
    let [name, request] = [name, request].map(|text| TokenDigest::of(text.as_bytes()));
    Remembered { name, request, answer: None, created_at: at }
}

async fn a_request_is_remembered_once_with_its_answer(w: World) {
    let [first, second] = [asked("a", "1", NOW), asked("a", "2", NOW)];
    let name = first.name.clone();
    let (one, two) = (first.clone(), second.clone());
    assert!(w.write(move |tx| tx.remember_request(&one, NOW)).await);
    assert!(!w.write(move |tx| tx.remember_request(&two, NOW)).await);
    let (key, answer) = (name.clone(), Sealed::stored("v1.a.b".to_owned()));
    let kept = answer.clone();
    w.write(move |tx| tx.remember_answer(&key, &kept)).await;
    let key = name.clone();
    let found = w.read(move |tx| tx.remembered(&key)).await.unwrap();
    assert_eq!((found.request, found.answer, found.created_at), (first.request, Some(answer), NOW));
    let key = name.clone();
    w.write(move |tx| tx.forget_request(&key)).await;
    assert!(w.read(move |tx| tx.remembered(&name)).await.is_none());
}

async fn an_old_request_makes_room_and_is_swept(w: World) {
    let old = asked("a", "1", NOW);
    w.write(move |tx| tx.remember_request(&old, NOW)).await;
    let new = asked("a", "2", at(10));
    let name = new.name.clone();
    let wanted = new.request.clone();
    assert!(w.write(move |tx| tx.remember_request(&new, at(1))).await);
    let key = name.clone();
    assert_eq!(w.read(move |tx| tx.remembered(&key)).await.unwrap().request, wanted);
    assert_eq!(w.write(move |tx| tx.sweep_remembered(at(10), 10)).await, 0);
    assert_eq!(w.write(move |tx| tx.sweep_remembered(at(11), 10)).await, 1);
    assert!(w.read(move |tx| tx.remembered(&name)).await.is_none());
}
