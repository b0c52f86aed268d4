use ringfence_core::{
    application::Application,
    entropy::OsEntropy,
    identity::Identity,
    ids::{InvitationId, MembershipId},
    membership::{Invitation, Membership},
};

use crate::{
    fixtures::object,
    support::{NOW, World, at},
};

on_every_engine!(
    an_identity_has_one_membership_in_an_application,
    a_membership_is_updated_and_removed,
    an_address_is_invited_once_to_an_application,
    an_invitation_is_taken_once,
);

pub fn membership(application: &Application, identity: &Identity) -> Membership {
    Membership {
        id: MembershipId::mint(NOW, &OsEntropy),
        project: identity.project,
        application: application.id,
        identity: identity.id,
        role: "agent".to_owned(),
        attributes: object(serde_json::json!({"available": true})),
        disabled_at: None,
        created_by: identity.id,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn invitation(application: &Application, identity: &Identity) -> Invitation {
    Invitation {
        id: InvitationId::mint(NOW, &OsEntropy),
        project: identity.project,
        application: application.id,
        email: "new@example.org".to_owned(),
        role: "agent".to_owned(),
        attributes: object(serde_json::json!({})),
        created_by: identity.id,
        created_at: NOW,
    }
}

async fn an_identity_has_one_membership_in_an_application(w: World) {
    let project = w.project().await;
    let (ann, a, b) = (w.member_of(&project).await, w.application(&project).await, w.application(&project).await);
    let (first, again, mut later) = (membership(&a, &ann), membership(&a, &ann), membership(&b, &ann));
    later.created_at = at(1);
    let rows = [(first.clone(), true), (again, false), (later.clone(), true)];
    for (row, expected) in rows {
        assert_eq!(w.write(move |tx| tx.insert_membership(&row)).await, expected);
    }
    assert_eq!(w.read(move |tx| tx.membership(a.id, ann.id)).await.as_ref(), Some(&first));
    assert_eq!(w.read(move |tx| tx.memberships_of(ann.id)).await, [later, first]);
}

async fn a_membership_is_updated_and_removed(w: World) {
    let project = w.project().await;
    let (ann, ben, application) =
        (w.member_of(&project).await, w.member_of(&project).await, w.application(&project).await);
    let (mut mine, theirs) = (membership(&application, &ann), membership(&application, &ben));
    let (a, b) = (mine.clone(), theirs.clone());
    w.write(move |tx| Ok((tx.insert_membership(&a)?, tx.insert_membership(&b)?))).await;
    "owner".clone_into(&mut mine.role);
    mine.attributes.clear();
    mine.disabled_at = Some(at(1));
    mine.updated_at = at(2);
    let row = mine.clone();
    w.write(move |tx| tx.update_membership(&row)).await;
    assert_eq!(w.read(move |tx| tx.membership(application.id, ann.id)).await, Some(mine));
    for had_any in [true, false] {
        assert_eq!(w.write(move |tx| tx.delete_memberships_of(ann.id)).await, had_any);
    }
    assert_eq!(w.read(move |tx| tx.membership(application.id, ann.id)).await, None);
    assert_eq!(w.read(move |tx| tx.membership(application.id, ben.id)).await, Some(theirs));
}

async fn an_address_is_invited_once_to_an_application(w: World) {
    let project = w.project().await;
    let (ann, a, b) = (w.member_of(&project).await, w.application(&project).await, w.application(&project).await);
    let (first, again, mut later) = (invitation(&a, &ann), invitation(&a, &ann), invitation(&b, &ann));
    later.created_at = at(1);
    for (row, expected) in [(later.clone(), true), (first.clone(), true), (again, false)] {
        assert_eq!(w.write(move |tx| tx.insert_invitation(&row)).await, expected);
    }
    let id = project.id;
    assert_eq!(w.read(move |tx| tx.invitations(a.id)).await.as_slice(), std::slice::from_ref(&first));
    assert_eq!(w.read(move |tx| tx.invitations_for(id, "new@example.org")).await, [first, later]);
    assert_eq!(w.read(move |tx| tx.invitations_for(id, "other@example.org")).await, []);
}

async fn an_invitation_is_taken_once(w: World) {
    let project = w.project().await;
    let row = invitation(&w.application(&project).await, &w.member_of(&project).await);
    let (id, copy) = (row.id, row.clone());
    assert!(w.write(move |tx| tx.insert_invitation(&copy)).await);
    assert_eq!(w.read(move |tx| tx.invitation(id)).await, Some(row));
    assert!(w.write(move |tx| tx.delete_invitation(id)).await);
    assert!(!w.write(move |tx| tx.delete_invitation(id)).await);
    assert_eq!(w.read(move |tx| tx.invitation(id)).await, None);
}
