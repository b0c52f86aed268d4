use std::time::Duration;

use ringfence_core::{
    audit::{AuditEvent, Link},
    authority::AuditVerdict,
};

use crate::{
    fixtures,
    support::{World, is_conflict},
};

on_every_engine!(
    entries_wait_to_be_linked_in_order_of_id,
    linked_entries_are_read_in_order_of_the_chain,
    the_head_moves_once_from_each_link,
    a_place_in_the_chain_is_taken_once,
    a_log_is_swept_from_its_beginning,
    a_log_that_was_swept_is_whole_and_what_else_goes_is_missed,
);

impl World {
    async fn append(&self, events: &[AuditEvent]) {
        let rows = events.to_vec();
        self.write(move |tx| rows.iter().try_for_each(|event| tx.append_audit(event))).await;
    }
}

async fn entries_wait_to_be_linked_in_order_of_id(w: World) {
    let (project, quiet) = (w.project().await, w.project().await);
    let mut events = [fixtures::audit(&project), fixtures::audit(&project), fixtures::audit(&project)];
    w.append(&events).await;
    events.sort_by_key(|event| event.id);
    assert_eq!(w.read(|tx| tx.projects_with_unlinked_audit(9)).await, [project.id]);
    assert_eq!(w.read(move |tx| tx.unlinked_audit(project.id, 2)).await, events[..2]);
    assert_eq!(w.read(move |tx| tx.unlinked_audit(quiet.id, 2)).await, []);
}

async fn linked_entries_are_read_in_order_of_the_chain(w: World) {
    let project = w.project().await;
    let events = [fixtures::audit(&project), fixtures::audit(&project)];
    w.append(&events).await;
    let first = Link::after(None, &events[0]);
    let second = Link::after(Some(&first), &events[1]);
    let chain = [(events[0].clone(), first), (events[1].clone(), second)];
    let rows = chain.clone();
    w.write(move |tx| rows.iter().rev().try_for_each(|(event, link)| tx.link_audit(event.id, link))).await;
    assert_eq!(w.read(move |tx| tx.audit_log(project.id, 0, 9)).await, chain);
    assert_eq!(w.read(move |tx| tx.audit_log(project.id, 1, 9)).await, chain[1..]);
    assert_eq!(w.read(move |tx| tx.audit_log(project.id, 0, 1)).await, chain[..1]);
    assert_eq!(w.read(|tx| tx.projects_with_unlinked_audit(9)).await, []);
}

async fn the_head_moves_once_from_each_link(w: World) {
    let id = w.project().await.id;
    let link = |seq: i64, hash: &str| Link { seq, hash: hash.to_owned() };
    assert_eq!(w.read(move |tx| tx.audit_head(id)).await, None);
    for (from, to, moved) in [
        (None, link(1, "a"), true),
        (None, link(1, "b"), false),
        (Some(link(1, "b")), link(2, "b"), false),
        (Some(link(1, "a")), link(2, "c"), true),
        (Some(link(1, "a")), link(2, "d"), false),
    ] {
        assert_eq!(w.write(move |tx| tx.advance_audit_head(id, from.as_ref(), &to)).await, moved);
    }
    assert_eq!(w.read(move |tx| tx.audit_head(id)).await, Some(link(2, "c")));
}

async fn a_place_in_the_chain_is_taken_once(w: World) {
    let project = w.project().await;
    let events = [fixtures::audit(&project), fixtures::audit(&project)];
    w.append(&events).await;
    let (first, second) = (events[0].id, events[1].id);
    let link = Link::after(None, &events[0]);
    let same = link.clone();
    w.write(move |tx| tx.link_audit(first, &link)).await;
    assert!(is_conflict(&w.refused(move |tx| tx.link_audit(second, &same)).await));
}

async fn a_log_is_swept_from_its_beginning(w: World) {
    let (project, other) = (w.project().await, w.project().await);
    let mut chain = Vec::new();
    for of in [&project, &project, &project, &other] {
        let event = fixtures::audit(of);
        let link = Link::after(chain.last().map(|(_, link)| link), &event);
        chain.push((event, link));
    }
    let waiting = fixtures::audit(&project);
    w.append(std::slice::from_ref(&waiting)).await;
    w.append(&chain.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>()).await;
    let rows = chain.clone();
    w.write(move |tx| rows.iter().try_for_each(|(event, link)| tx.link_audit(event.id, link))).await;
    assert_eq!(w.write(move |tx| tx.sweep_audit(project.id, 2, 1)).await, 1);
    assert_eq!(w.read(move |tx| tx.audit_log(project.id, 0, 9)).await, chain[1..3]);
    assert_eq!(w.write(move |tx| tx.sweep_audit(project.id, 2, 9)).await, 1);
    assert_eq!(w.write(move |tx| tx.sweep_audit(project.id, 2, 9)).await, 0);
    assert_eq!(w.read(move |tx| tx.audit_log(project.id, 0, 9)).await, chain[2..3]);
    assert_eq!(w.read(move |tx| tx.audit_log(other.id, 0, 9)).await, chain[3..]);
    assert_eq!(w.read(move |tx| tx.unlinked_audit(project.id, 9)).await, [waiting]);
}

/// What remains is whole; and whoever removes more than the log says, in the same way, is found out.
async fn a_log_that_was_swept_is_whole_and_what_else_goes_is_missed(w: World) {
    let world = ringfence_core::testing::World::start(w.store.clone()).await;
    let project = world.home.project.id;
    world.authority.link_audit().await.unwrap();
    world.clock.advance(Duration::from_hours(24 * 40));
    world.guest().await;
    let month = Duration::from_hours(24 * 30);
    let gone = world.authority.sweep_audit(&world.ctx(), month).await.unwrap();
    assert!(gone > 0);
    let AuditVerdict::Intact(newest) = world.authority.verify_audit(project).await.unwrap() else { panic!("broken") };
    let rest = w.read(move |tx| tx.audit_log(project, 0, 99)).await;
    let cut = &rest.last().unwrap().0;
    assert_eq!((rest.len(), cut.action.as_str(), cut.actor.as_str()), (2, "audit.cut", "system"));
    let (oldest, through) = (rest[0].1.seq, cut.detail["through"].as_i64().unwrap());
    assert_eq!((through + 1, newest), (oldest, oldest + 1));
    assert_eq!(w.write(move |tx| tx.sweep_audit(project, oldest, 1)).await, 1);
    let verdict = world.authority.verify_audit(project).await.unwrap();
    assert_eq!(verdict, AuditVerdict::BrokenAt(oldest));
}
