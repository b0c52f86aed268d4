use ringfence_core::{
    identity::{HeldIdentifier, Identifier, IdentityFilter, IdentityKind, Standing},
    ids::IdentityId,
};

use crate::{
    fixtures::{self, held},
    support::{NOW, World, at, is_conflict},
};

on_every_engine!(
    an_identity_reads_back,
    updating_an_identity_replaces_what_may_change,
    identities_are_paged_by_id_over_all_kinds,
    pages_under_inserts_repeat_and_miss_nothing,
    an_identity_is_locked_once,
    an_identifier_is_held_once_in_a_project,
    an_identifier_is_compared_exactly,
    an_identifier_is_verified_and_released,
    a_text_with_nul_is_never_found_and_never_stored,
    an_identity_needs_its_project,
);

async fn an_identity_reads_back(w: World) {
    let mut identity = fixtures::identity(&w.project().await, IdentityKind::External);
    identity.standing = Standing { suspended_at: Some(at(1)), locked_at: Some(at(2)), erased_at: Some(at(3)) };
    let (row, id) = (identity.clone(), identity.id);
    w.write(move |tx| tx.insert_identity(&row)).await;
    assert_eq!(w.read(move |tx| tx.identity(id)).await, Some(identity));
}

async fn updating_an_identity_replaces_what_may_change(w: World) {
    let mut identity = w.member().await;
    identity.kind = IdentityKind::Guest;
    identity.profile.locale = Some("fr".to_owned());
    identity.attributes.clear();
    identity.standing.suspended_at = Some(at(5));
    identity.updated_at = at(6);
    let (row, id) = (identity.clone(), identity.id);
    w.write(move |tx| tx.update_identity(&row)).await;
    assert_eq!(w.read(move |tx| tx.identity(id)).await, Some(identity));
}

async fn identities_are_paged_by_id_over_all_kinds(w: World) {
    let project = w.project().await;
    let mut all = Vec::new();
    for kind in IdentityKind::ALL.into_iter().cycle().take(7) {
        let identity = fixtures::identity(&project, kind);
        let row = identity.clone();
        w.write(move |tx| tx.insert_identity(&row)).await;
        all.push(identity);
    }
    w.member().await;
    all.sort_by_key(|identity| identity.id);
    let (id, after) = (project.id, all[3].id);
    let any = IdentityFilter::default();
    assert_eq!(w.read(move |tx| tx.identities(id, any, None, 4)).await, all[..4]);
    assert_eq!(w.read(move |tx| tx.identities(id, any, Some(after), 9)).await, all[4..]);
    let members = w.read(move |tx| tx.identities(id, IdentityFilter { kind: Some(IdentityKind::Member) }, None, 9));
    assert_eq!(members.await.len(), 2);
}

async fn pages_under_inserts_repeat_and_miss_nothing(w: World) {
    let project = w.project().await;
    let mut before = Vec::new();
    for _ in 0..6 {
        before.push(w.member_of(&project).await.id);
    }
    let (mut seen, mut after): (Vec<IdentityId>, _) = (Vec::new(), None);
    loop {
        let id = project.id;
        let page = w.read(move |tx| tx.identities(id, IdentityFilter::default(), after, 2)).await;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|identity| identity.id));
        if seen.len() < 12 {
            // Ids of this moment fall anywhere among the old ones, before and after the page.
            w.member_of(&project).await;
        }
    }
    before.sort();
    assert!(seen.is_sorted_by(|a, b| a < b), "in order and each once");
    assert!(before.iter().all(|id| seen.contains(id)), "nothing that was there is missed");
}

async fn an_identity_is_locked_once(w: World) {
    let id = w.member().await.id;
    assert!(w.write(move |tx| tx.lock_identity(id, at(1))).await);
    assert!(!w.write(move |tx| tx.lock_identity(id, at(2))).await);
    let standing = w.read(move |tx| tx.identity(id)).await.unwrap().standing;
    assert_eq!(standing.locked_at, Some(at(1)));
}

async fn an_identifier_is_held_once_in_a_project(w: World) {
    let project = w.project().await;
    let (ann, ben, eve) = (w.member_of(&project).await, w.member_of(&project).await, w.member().await);
    let mail = Identifier::email("ann@example.org");
    let (id, holder) = (project.id, ann.clone());
    for (who, expected) in [(ann, true), (ben, false), (eve, true)] {
        let row = held(mail.clone());
        assert_eq!(w.write(move |tx| tx.add_identifier(&who, &row)).await, expected);
    }
    let found = w.read(move |tx| tx.identity_by_identifier(id, &mail)).await;
    assert_eq!(found, Some((holder, None)));
}

async fn an_identifier_is_compared_exactly(w: World) {
    let ann = w.member().await;
    let (id, row) = (ann.project, held(Identifier::of("sip", "Ann")));
    assert!(w.write(move |tx| tx.add_identifier(&ann, &row)).await);
    for name in ["ann", "Ann ", "Ann\n", "A", "%", "Änn", ""] {
        assert_eq!(
            w.read(move |tx| tx.identity_by_identifier(id, &Identifier::of("sip", name))).await,
            None,
            "{name:?}"
        );
    }
}

async fn an_identifier_is_verified_and_released(w: World) {
    let ann = w.member().await;
    let (who, id, project) = (ann.clone(), ann.id, ann.project);
    let (mail, sip) = (Identifier::email("ann@example.org"), Identifier::of("sip", "ann"));
    let rows = [held(sip.clone()), held(mail.clone())];
    w.write(move |tx| {
        tx.add_identifier(&who, &rows[0])?;
        tx.add_identifier(&who, &rows[1])
    })
    .await;
    let (a, b) = (mail.clone(), mail.clone());
    assert!(w.write(move |tx| tx.verify_identifier(id, &a, NOW)).await);
    assert_eq!(
        w.read(move |tx| tx.identifiers(id)).await,
        [HeldIdentifier { identifier: mail.clone(), verified_at: Some(NOW) }, held(sip.clone())]
    );
    assert_eq!(w.read(move |tx| tx.identity_by_identifier(project, &b)).await, Some((ann, Some(NOW))));
    let (a, b, c) = (mail.clone(), mail.clone(), mail);
    assert!(w.write(move |tx| tx.release_identifier(id, &a)).await);
    assert!(!w.write(move |tx| tx.release_identifier(id, &b)).await);
    assert!(!w.write(move |tx| tx.verify_identifier(id, &c, NOW)).await);
    w.write(move |tx| tx.release_identifiers(id)).await;
    assert_eq!(w.read(move |tx| tx.identifiers(id)).await, []);
}

async fn a_text_with_nul_is_never_found_and_never_stored(w: World) {
    let ann = w.member().await;
    let (project, id) = (ann.project, ann.id);
    let nul = Identifier::of("sip", "ann\0");
    let (a, b, row) = (nul.clone(), nul.clone(), held(nul));
    assert_eq!(w.read(move |tx| tx.identity_by_identifier(project, &a)).await, None);
    w.refused(move |tx| tx.add_identifier(&ann, &row)).await;
    w.refused(move |tx| tx.release_identifier(id, &b)).await;
}

async fn an_identity_needs_its_project(w: World) {
    let stranger = fixtures::identity(&fixtures::project(), IdentityKind::Guest);
    assert!(is_conflict(&w.refused(move |tx| tx.insert_identity(&stranger)).await));
    let ann = w.member().await;
    assert!(is_conflict(&w.refused(move |tx| tx.insert_identity(&ann)).await), "the same id again");
}
