//! Pictures and pages of members.

use ringfence_core::{
    identity::{Identity, IdentityKind},
    picture::{Format, Picture},
};

use crate::{
    fixtures,
    support::{NOW, World, at},
};

on_every_engine!(
    a_picture_is_replaced_and_taken_away,
    members_come_in_pages_with_their_number,
    members_of_an_application_are_those_with_a_place_in_it,
);

async fn a_picture_is_replaced_and_taken_away(w: World) {
    let who = w.member().await.id;
    let [first, second] = [(Format::Png, vec![0, 255, 7]), (Format::Jpeg, vec![1])].map(|(f, b)| Picture::stored(f, b));
    assert_eq!(w.read(move |tx| tx.picture(who)).await, None);
    let put = first.clone();
    w.write(move |tx| tx.put_picture(who, &put, NOW)).await;
    assert_eq!(w.read(move |tx| tx.picture(who)).await, Some(first));
    let put = second.clone();
    w.write(move |tx| tx.put_picture(who, &put, at(1))).await;
    assert_eq!(w.read(move |tx| tx.picture(who)).await, Some(second));
    assert!(w.write(move |tx| tx.delete_picture(who)).await);
    assert!(!w.write(move |tx| tx.delete_picture(who)).await);
}

async fn members_come_in_pages_with_their_number(w: World) {
    let project = w.project().await;
    let mut all: Vec<Identity> = (0..5).map(|_| fixtures::identity(&project, IdentityKind::Member)).collect();
    let guest = fixtures::identity(&project, IdentityKind::Guest);
    let mut gone = fixtures::identity(&project, IdentityKind::Member);
    gone.standing.erased_at = Some(NOW);
    for row in all.iter().chain([&guest, &gone]).cloned().collect::<Vec<_>>() {
        w.write(move |tx| tx.insert_identity(&row)).await;
    }
    all.sort_by_key(|row| row.id);
    let id = project.id;
    assert_eq!(w.read(move |tx| tx.members(id, None, 0, 2)).await, (all[..2].to_vec(), 5));
    assert_eq!(w.read(move |tx| tx.members(id, None, 4, 2)).await, (all[4..].to_vec(), 5));
    assert_eq!(w.read(move |tx| tx.members(id, None, 6, 2)).await, (Vec::new(), 5));
}

async fn members_of_an_application_are_those_with_a_place_in_it(w: World) {
    let project = w.project().await;
    let (ben, _other) = (w.member_of(&project).await, w.member_of(&project).await);
    let application = w.application(&project).await;
    let place = crate::membership::membership(&application, &ben);
    w.write(move |tx| tx.insert_membership(&place)).await;
    let (project, application) = (project.id, application.id);
    assert_eq!(w.read(move |tx| tx.members(project, Some(application), 0, 9)).await, (vec![ben], 1));
}
