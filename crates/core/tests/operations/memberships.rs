//! Memberships and invitations: roles in applications.

use ringfence_core::{
    authority::{Authenticated, InvitationRequest, Invited, LinkTemplate},
    error::AuthError,
    identity::IdentityKind,
    ids::{InvitationId, MembershipId},
    mail::Message,
    testing::{LADDER, World, outcome},
    time::Clock as _,
};
use serde_json::{Map, json};

use crate::support::world;

fn asks(email: &str, role: &str) -> InvitationRequest {
    InvitationRequest {
        email: email.to_owned(),
        role: role.to_owned(),
        attributes: Map::from_iter([("test".to_owned(), json!({ "available": true }))]),
        link: LinkTemplate("https://example.org/join/{invitation}".to_owned()),
    }
}

async fn with_role(w: &World, name: &str, role: &str) -> Authenticated {
    let member = w.member(name).await;
    w.give_role(&member, role).await;
    let who = w.sign_in(&member).await;
    w.trail().await;
    who
}

async fn invite(w: &World, who: &Authenticated, wanted: InvitationRequest) -> Result<Invited, AuthError> {
    w.authority.invite(&w.ctx(), who, w.home.reference(), World::needs("admin"), wanted).await
}

#[tokio::test]
async fn a_role_permits_what_needs_no_more() {
    let w = world().await;
    let agent = with_role(&w, "agent", "agent").await;
    for (least, code) in [
        ("guest", "accepted"),
        ("user", "accepted"),
        ("agent", "accepted"),
        ("admin", "forbidden"),
        ("owner", "forbidden"),
    ] {
        let answer = w.authority.permit_in(&agent, w.home.reference(), World::needs(least)).await;
        assert_eq!(outcome(&answer), code, "{least}");
        if let Ok((permit, application, membership)) = answer {
            assert_eq!((permit.project(), permit.actor()), (w.home.project.id, agent.actor()));
            assert_eq!((application.id, membership.role.as_str()), (w.home.application.id, "agent"));
        }
    }
}

#[tokio::test]
async fn a_role_that_is_not_on_the_ladder_permits_nothing() {
    let w = world().await;
    let odd = with_role(&w, "odd", "emperor").await;
    assert_eq!(outcome(&w.authority.permit_in(&odd, w.home.reference(), World::needs("guest")).await), "forbidden");
}

#[tokio::test]
async fn whoever_is_no_member_has_no_place_and_a_guest_the_lowest_without_a_row() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let stranger = w.sign_in(&w.member("stranger").await).await;
    let guest = w.guest().await;
    let place = async |who: &Authenticated, application| w.authority.membership(who, application, &LADDER).await;
    assert_eq!(outcome(&place(&stranger, w.home.reference()).await), "not_found");
    let (_, membership) = place(&guest, w.home.reference()).await.unwrap();
    assert_eq!((membership.role.as_str(), membership.id), ("guest", MembershipId::of_guest(guest.identity.id)));
    assert_eq!(outcome(&place(&guest, other.reference()).await), "not_found");
}

#[tokio::test]
async fn a_disabled_membership_or_application_is_no_place() {
    let w = world().await;
    let ann = w.member("ann").await;
    let mut membership = w.give_role(&ann, "owner").await;
    let who = w.sign_in(&ann).await;
    membership.disabled_at = Some(w.clock.now());
    let disabled = membership.clone();
    w.store.write(move |tx| Ok(tx.update_membership(&disabled)?)).await.unwrap();
    assert_eq!(outcome(&w.authority.membership(&who, w.home.reference(), &LADDER).await), "not_found");
    assert_eq!(w.authority.memberships(&who).await.unwrap(), []);
    membership.disabled_at = None;
    w.store.write(move |tx| Ok(tx.update_membership(&membership)?)).await.unwrap();
    assert_eq!(w.authority.memberships(&who).await.unwrap().len(), 1);
    w.authority.disable_application(&w.ctx(), &w.home_permit(), w.home.application.id, true).await.unwrap();
    assert_eq!(outcome(&w.authority.membership(&who, w.home.reference(), &LADDER).await), "not_found");
}

#[tokio::test]
async fn memberships_are_listed_newest_first_and_to_an_issuer_only_its_own() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    for name in ["one", "two"] {
        w.clock.advance(std::time::Duration::from_secs(1));
        let wanted = super::applications::request(name);
        w.authority.found_application(&w.ctx(), &who, wanted, "test:application", "owner").await.unwrap();
    }
    w.clock.advance(std::time::Duration::from_secs(1));
    w.give_role(&ann, "agent").await;
    let names = async |who: &Authenticated| {
        let found = w.authority.memberships(who).await.unwrap();
        found.into_iter().map(|(membership, application)| (application.name, membership.role)).collect::<Vec<_>>()
    };
    let expect =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    assert_eq!(names(&who).await, expect(&[("widget", "agent"), ("two", "owner"), ("one", "owner")]));
    let jwt = w.assertion(&w.home, json!({ "_id": ann.identity.id.short(), "sub": "user" }));
    assert_eq!(names(&w.assert(&jwt).await.unwrap()).await, expect(&[("widget", "agent")]));
}

#[tokio::test]
async fn an_invited_account_is_a_member_at_once() {
    let w = world().await;
    let (admin, bob) = (with_role(&w, "admin", "admin").await, w.member("bob").await);
    w.trail().await;
    let Invited::Member(membership) = invite(&w, &admin, asks("BOB@example.org", "agent")).await.unwrap() else {
        panic!("bob has an account");
    };
    assert_eq!((membership.identity, membership.role.as_str()), (bob.identity.id, "agent"));
    assert_eq!((membership.created_by, &membership.attributes["test"]["available"]), (admin.identity.id, &json!(true)));
    assert_eq!(w.trail().await, ["identity membership.created identity"]);
    let bob = w.sign_in(&bob).await;
    assert!(w.authority.permit_in(&bob, w.home.reference(), World::needs("agent")).await.is_ok());
    assert_eq!(outcome(&invite(&w, &admin, asks("bob@example.org", "user")).await), "conflict");
    assert!(w.mailer.delivered().is_empty());
}

#[tokio::test]
async fn an_address_without_an_account_waits_and_becomes_a_member_with_it() {
    let w = world().await;
    let admin = with_role(&w, "admin", "admin").await;
    let Invited::Pending(invitation) = invite(&w, &admin, asks(" New@Example.org", "agent")).await.unwrap() else {
        panic!("nobody has that address");
    };
    assert_eq!(w.trail().await, ["identity invitation.created invitation"]);
    let mail = w.mailer.nth(1).await;
    let Message::Invitation { link, inviter, application } = mail.message else { panic!("another mail") };
    let expected = format!("https://example.org/join/{}", invitation.id.short());
    assert_eq!(
        (mail.to.as_str(), link, inviter.as_str(), application.as_str()),
        ("new@example.org", expected, "admin", "widget")
    );

    let open = w.authority.invitations(&admin, w.home.reference(), World::needs("admin")).await.unwrap();
    assert_eq!(open, std::slice::from_ref(&invitation));
    assert_eq!(w.authority.invitation(invitation.id).await.unwrap(), invitation);
    let again = invite(&w, &admin, asks("new@example.org", "user")).await.unwrap();
    assert!(matches!(again, Invited::AlreadyPending(waiting) if waiting == invitation));

    let new = w.member("new").await;
    assert_eq!(w.trail().await, ["identity identity.registered identity", "identity invitation.accepted invitation"]);
    let who = w.sign_in(&new).await;
    let (_, membership) = w.authority.membership(&who, w.home.reference(), &LADDER).await.unwrap();
    assert_eq!((membership.role.as_str(), membership.created_by), ("agent", admin.identity.id));
    assert_eq!(outcome(&w.authority.invitation(invitation.id).await), "not_found");
    let open = w.authority.invitations(&admin, w.home.reference(), World::needs("admin")).await.unwrap();
    assert_eq!(open, []);
}

#[tokio::test]
async fn an_invitation_waits_for_its_address_in_its_own_project() {
    let w = world().await;
    let (admin, far) = (with_role(&w, "admin", "admin").await, w.place("far").await);
    invite(&w, &admin, asks("new@example.org", "agent")).await.unwrap();
    w.member_of(&far, "new").await;
    let open = w.authority.invitations(&admin, w.home.reference(), World::needs("admin")).await.unwrap();
    assert_eq!(open.len(), 1);
}

#[tokio::test]
async fn nobody_invites_beyond_their_own_role_themselves_or_nonsense() {
    let w = world().await;
    let (admin, agent) = (with_role(&w, "admin", "admin").await, with_role(&w, "agent", "agent").await);
    for (who, email, role, code) in [
        (&admin, "new@example.org", "owner", "forbidden"),
        (&admin, "new@example.org", "emperor", "invalid"),
        (&admin, "not an address", "user", "invalid"),
        (&admin, "Admin@example.org", "user", "conflict"),
        (&agent, "new@example.org", "user", "forbidden"),
    ] {
        assert_eq!(outcome(&invite(&w, who, asks(email, role)).await), code, "{email} as {role}");
    }
    let listed = w.authority.invitations(&agent, w.home.reference(), World::needs("admin")).await;
    assert_eq!(outcome(&listed), "forbidden");
    assert_eq!(w.trail().await, [] as [String; 0]);
}

#[tokio::test]
async fn an_invitation_that_is_gone_is_not_found() {
    let w = world().await;
    let id = InvitationId::mint(w.clock.now(), w.entropy.as_ref());
    assert_eq!(outcome(&w.authority.invitation(id).await), "not_found");
}

#[tokio::test]
async fn external_users_have_the_role_that_their_issuer_gave_them_first() {
    let w = world().await;
    let role_of = async |claims| {
        let who = w.assert(&w.assertion(&w.home, claims)).await.unwrap();
        assert_eq!(who.identity.kind, IdentityKind::External);
        w.authority.membership(&who, w.home.reference(), &LADDER).await.unwrap().1.role
    };
    assert_eq!(role_of(json!({ "_id": "ext-1" })).await, "user");
    assert_eq!(role_of(json!({ "_id": "ext-2", "role": "guest" })).await, "guest");
    assert_eq!(role_of(json!({ "_id": "ext-2", "role": "supervisor" })).await, "guest");
}

#[tokio::test]
async fn a_member_whose_membership_is_disabled_is_not_vouched_for() {
    let w = world().await;
    let (who, _) = w.external("ext-1").await;
    let (_, mut membership) = w.authority.membership(&who, w.home.reference(), &LADDER).await.unwrap();
    membership.disabled_at = Some(w.clock.now());
    w.store.write(move |tx| Ok(tx.update_membership(&membership)?)).await.unwrap();
    let jwt = w.assertion(&w.home, json!({ "_id": "ext-1", "jti": "fresh" }));
    assert_eq!(outcome(&w.assert(&jwt).await), "disabled");
}

#[tokio::test]
async fn an_account_joins_an_application_once() {
    let w = world().await;
    let who = w.sign_in(&w.member("ann").await).await;
    w.trail().await;
    let join = async |who: &Authenticated, role| {
        outcome(&w.authority.join_application(&w.ctx(), who, w.home.reference(), role).await)
    };
    assert_eq!(join(&who, "user").await, "accepted");
    assert_eq!(w.trail().await, ["identity membership.created identity"]);
    assert_eq!(join(&who, "owner").await, "accepted");
    assert_eq!(w.trail().await, [] as [String; 0]);
    let (_, mut membership) = w.authority.membership(&who, w.home.reference(), &LADDER).await.unwrap();
    assert_eq!((membership.role.as_str(), membership.created_by), ("user", who.identity.id), "the first role stays");
    membership.disabled_at = Some(w.clock.now());
    w.store.write(move |tx| Ok(tx.update_membership(&membership)?)).await.unwrap();
    assert_eq!(join(&who, "user").await, "disabled");
}

#[tokio::test]
async fn guests_and_vouched_users_join_no_other_application() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "owner").await;
    let jwt = w.assertion(&w.home, json!({ "_id": ann.identity.id.short(), "sub": "user" }));
    let (guest, external, vouched) = (w.guest().await, w.external("ext-1").await.0, w.assert(&jwt).await.unwrap());
    for who in [&guest, &external, &vouched] {
        let here = w.authority.join_application(&w.ctx(), who, w.home.reference(), "owner").await;
        assert_eq!(outcome(&here), "accepted", "{:?} is there already", who.identity.kind);
        let there = w.authority.join_application(&w.ctx(), who, other.reference(), "owner").await;
        assert_eq!(outcome(&there), "forbidden", "{:?}", who.identity.kind);
    }
    let (_, membership) = w.authority.membership(&guest, w.home.reference(), &LADDER).await.unwrap();
    assert_eq!(membership.role, "guest", "being there already is no promotion");
}
