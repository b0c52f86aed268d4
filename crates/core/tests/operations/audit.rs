//! The audit log: circumstances, the chain, and what breaks it. A row changed by SQL is the store's to show.

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
