//! The audit log: circumstances, the chain, and what breaks it. A row changed by SQL is the store's to show.

use std::time::Duration;

use ringfence_core::{
    audit::{AuditEvent, Link},
    authority::{AuditVerdict, Registration},
    context::Ctx,
    entropy::OsEntropy,
    ids::AuditId,
    testing::{PASSWORD, World, outcome},
    time::Clock as _,
};
use serde_json::Map;

use crate::support::world;

async fn verdict(w: &World) -> AuditVerdict {
    w.authority.verify_audit(w.home.project.id).await.unwrap()
}

#[tokio::test]
async fn an_entry_names_request_address_and_face_and_no_secret() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.audited(w.home.project.id).await;
    let ctx: Ctx = w.ctx_from([203, 0, 113, 9]);
    w.authority.sign_in(&ctx, ann.shows(PASSWORD)).await.unwrap();
    drop(w.authority.sign_in(&ctx, ann.shows("a wrong guess")).await);
    let entries = w.audited(w.home.project.id).await;
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        assert_eq!(entry.detail["request"], ctx.request_id.to_string());
        assert_eq!((&entry.detail["address"], &entry.detail["dialect"]), (&"203.0.113.9".into(), &"test".into()));
        let text = format!("{entry:?}");
        assert!(!text.contains(PASSWORD) && !text.contains("wrong guess") && !text.contains("argon2"), "{text}");
    }
    assert_eq!(entries[0].subject, format!("identity:{}", ann.identity.id));
    assert_eq!(entries[1].detail["amr"], serde_json::json!(["pwd"]));
}

#[tokio::test]
async fn a_refusal_leaves_nothing_but_what_must_be_counted() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.trail().await;
    let malformed = Registration { email: "bob".to_owned(), ..w.registration(&w.home, "bob") };
    assert_eq!(outcome(&w.authority.register(&w.ctx(), malformed).await), "invalid");
    assert_eq!(w.trail().await, [] as [String; 0]);
    let taken = w.authority.register(&w.ctx(), w.registration(&w.home, "ann")).await;
    assert_eq!(outcome(&taken), "conflict");
    assert_eq!(w.trail().await, ["anonymous registration.refused nobody"]);
    drop(w.authority.sign_in(&w.ctx(), ann.shows("a wrong guess")).await);
    assert_eq!(w.trail().await, ["anonymous password.refused identity"]);
}

#[tokio::test]
async fn entries_are_linked_in_steps_and_the_chain_is_whole() {
    let w = world().await;
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(0));
    let first = w.authority.link_audit().await.unwrap();
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(i64::try_from(first).unwrap()));
    for _ in 0..3 {
        w.guest().await;
    }
    let more = w.authority.link_audit().await.unwrap();
    assert_eq!(more, 3);
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(i64::try_from(first + more).unwrap()));
    assert_eq!(w.authority.link_audit().await.unwrap(), 0);
}

#[tokio::test]
async fn a_backlog_of_many_steps_is_linked_at_once() {
    let w = world().await;
    w.authority.link_audit().await.unwrap();
    let project = w.home.project.id;
    for _ in 0..3 {
        let entries = (0..400).map(|_| AuditEvent {
            id: AuditId::mint(w.clock.now(), &OsEntropy),
            project,
            at: w.clock.now(),
            actor: "nobody".to_owned(),
            action: "tested".to_owned(),
            subject: "nothing".to_owned(),
            detail: Map::new(),
        });
        let entries: Vec<_> = entries.collect();
        w.store.write(move |tx| Ok(entries.iter().try_for_each(|entry| tx.append_audit(entry))?)).await.unwrap();
    }
    assert_eq!(w.authority.link_audit().await.unwrap(), 1200);
    assert_eq!(w.authority.link_audit().await.unwrap(), 0);
    assert!(matches!(verdict(&w).await, AuditVerdict::Intact(_)));
}

#[tokio::test]
async fn each_project_has_a_chain_of_its_own() {
    let w = world().await;
    let far = w.place("far").await;
    w.member_of(&far, "bob").await;
    w.authority.link_audit().await.unwrap();
    let own = verdict(&w).await;
    assert_eq!(w.authority.verify_audit(far.project.id).await.unwrap(), AuditVerdict::Intact(5));
    w.member_of(&far, "ann").await;
    w.authority.link_audit().await.unwrap();
    assert_eq!(verdict(&w).await, own);
}

/// A linked log of `2 + guests` entries or so; returns how many.
async fn linked(w: &World, guests: usize) -> i64 {
    for _ in 0..guests {
        w.guest().await;
    }
    w.authority.link_audit().await.unwrap();
    let AuditVerdict::Intact(entries) = verdict(w).await else { panic!("broken from the start") };
    entries
}

#[tokio::test]
async fn n98_an_entry_taken_out_of_its_place_is_missed_there() {
    let w = world().await;
    let entries = linked(&w, 5).await;
    let project = w.home.project.id;
    // Through the port an entry cannot be removed, but it can be put out of the way, which leaves the same hole.
    let away = Link { seq: entries + 1000, hash: "x".to_owned() };
    w.store
        .write(move |tx| {
            let (event, _) = tx.audit_log(project, 2, 1)?.remove(0);
            Ok(tx.link_audit(event.id, &away)?)
        })
        .await
        .unwrap();
    assert_eq!(verdict(&w).await, AuditVerdict::BrokenAt(3));
}

#[tokio::test]
async fn n98_entries_that_change_places_are_noticed() {
    let w = world().await;
    linked(&w, 5).await;
    let project = w.home.project.id;
    w.store
        .write(move |tx| {
            let mut log = tx.audit_log(project, 2, 2)?;
            let (second, first) = (log.remove(1), log.remove(0));
            let aside = Link { seq: 1_000_000, hash: "x".to_owned() };
            tx.link_audit(first.0.id, &aside)?;
            tx.link_audit(second.0.id, &first.1)?;
            Ok(tx.link_audit(first.0.id, &second.1)?)
        })
        .await
        .unwrap();
    assert_eq!(verdict(&w).await, AuditVerdict::BrokenAt(3));
}

#[tokio::test]
async fn n98_a_log_cut_at_its_end_is_noticed() {
    let w = world().await;
    let entries = linked(&w, 5).await;
    let project = w.home.project.id;
    w.store
        .write(move |tx| {
            let head = tx.audit_head(project)?.unwrap();
            let beyond = Link { seq: head.seq + 1, hash: "x".to_owned() };
            assert!(tx.advance_audit_head(project, Some(&head), &beyond)?);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(verdict(&w).await, AuditVerdict::BrokenAt(entries + 1));
}

const MONTH: Duration = Duration::from_hours(24 * 30);
const DAY: Duration = Duration::from_hours(24);

async fn sweep(w: &World) -> u64 {
    w.authority.sweep_audit(&w.ctx(), MONTH).await.unwrap()
}

/// The numbers and actions of what is in the log of the world's project.
async fn listed(w: &World) -> Vec<(i64, String)> {
    w.authority.link_audit().await.unwrap();
    let project = w.home.project.id;
    let log = w.store.read(move |tx| Ok(tx.audit_log(project, 0, 999)?)).await.unwrap();
    log.into_iter().map(|(event, link)| (link.seq, event.action)).collect()
}

#[tokio::test]
async fn entries_go_by_age_at_most_once_a_day_and_the_rest_is_whole() {
    let w = world().await;
    let old = linked(&w, 3).await;
    w.clock.advance(MONTH);
    w.guest().await;
    assert_eq!(sweep(&w).await, 0, "none is older than it may be");
    w.clock.advance(DAY + Duration::from_secs(1));
    assert!(sweep(&w).await >= u64::try_from(old).unwrap());
    let rest = [(old + 1, "session.started".to_owned()), (old + 2, "audit.cut".to_owned())];
    assert_eq!(listed(&w).await, rest);
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(old + 2));
    assert_eq!(sweep(&w).await, 0);
    w.clock.advance(DAY * 29);
    assert_eq!(sweep(&w).await, 0, "the guest of a month ago is not a day too old");
    w.clock.advance(DAY + DAY);
    sweep(&w).await;
    assert_eq!(listed(&w).await, [(old + 3, "audit.cut".to_owned())]);
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(old + 3));
}

#[tokio::test]
async fn a_log_of_many_steps_is_swept_at_once_and_one_that_is_young_stays() {
    let w = world().await;
    let young = w.place("young").await;
    let old = linked(&w, 450).await;
    w.clock.advance(MONTH + DAY + DAY);
    w.member_of(&young, "bob").await;
    w.authority.link_audit().await.unwrap();
    sweep(&w).await;
    assert_eq!(listed(&w).await, [(old + 1, "audit.cut".to_owned())]);
    let young = w.authority.verify_audit(young.project.id).await.unwrap();
    assert!(matches!(young, AuditVerdict::Intact(entries) if entries > 2), "{young:?}");
}

#[tokio::test]
async fn a_sweep_that_is_cut_short_leaves_a_whole_log_and_the_next_goes_on() {
    let w = world().await;
    let old = linked(&w, 450).await;
    w.clock.advance(MONTH + DAY + DAY);
    // The last step's end never comes: what it would have removed is put back, as if it had not been.
    let project = w.home.project.id;
    let log = w.store.read(move |tx| Ok(tx.audit_log(project, 0, 999)?)).await.unwrap();
    sweep(&w).await;
    let left = log[200..].to_vec();
    w.store
        .write(move |tx| {
            for (event, link) in &left {
                tx.append_audit(event)?;
                tx.link_audit(event.id, link)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(old + 1));
    assert!(sweep(&w).await > 200);
    assert_eq!(listed(&w).await, [(old + 1, "audit.cut".to_owned()), (old + 2, "audit.cut".to_owned())]);
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(old + 2));
}

#[tokio::test]
async fn n98_a_beginning_that_no_entry_says_was_removed_is_missed() {
    let w = world().await;
    let old = linked(&w, 5).await;
    let project = w.home.project.id;
    let remove = async |through| w.store.write(move |tx| Ok(tx.sweep_audit(project, through, 99)?)).await.unwrap();
    remove(2).await;
    assert_eq!(verdict(&w).await, AuditVerdict::BrokenAt(1));
    w.clock.advance(MONTH + DAY + DAY);
    for _ in 0..3 {
        w.guest().await;
    }
    w.authority.link_audit().await.unwrap();
    sweep(&w).await;
    assert_eq!(verdict(&w).await, AuditVerdict::Intact(old + 4));
    remove(old + 2).await;
    assert_eq!(verdict(&w).await, AuditVerdict::BrokenAt(old + 1));
}

#[tokio::test]
async fn n98_an_entry_next_to_what_was_removed_cannot_be_changed() {
    let w = world().await;
    let old = linked(&w, 5).await;
    w.clock.advance(MONTH + DAY + DAY);
    w.guest().await;
    w.authority.link_audit().await.unwrap();
    sweep(&w).await;
    let project = w.home.project.id;
    // Whoever changes it makes its hash anew, and all after it cannot follow; the first has no other entry to betray it.
    w.store
        .write(move |tx| {
            let (event, link) = tx.audit_log(project, old, 1)?.remove(0);
            let forged = Link { seq: link.seq, hash: Link::after(None, &event).hash };
            Ok(tx.link_audit(event.id, &forged)?)
        })
        .await
        .unwrap();
    assert!(matches!(verdict(&w).await, AuditVerdict::BrokenAt(_)));
}
