//! Sockets and who may be who on them: tickets, names that guests may not take, homes of those who named no application.

use std::{collections::BTreeSet, sync::Arc};

use ringfence_core::{
    application::{Alias, Application, ApplicationSettings, WayIn},
    authority::{ApplicationRequest, PresentedCredential},
    identity::Identifier,
    project::ProjectRef,
    secret::{Password, RawToken, TokenKind},
    session::SessionsOf,
    testing::{PASSWORD, World, outcome},
};

use crate::support::world;

async fn by_ticket(w: &World, ticket: &RawToken) -> &'static str {
    outcome(&w.authority.authenticate(&w.ctx(), PresentedCredential::SocketTicket(ticket.clone())).await)
}

#[tokio::test]
async fn a_ticket_opens_its_owner_s_session_on_every_node_and_dies_with_it() {
    let w = world().await;
    let ann = w.member("ann").await;
    let ann = w.sign_in(&ann).await;
    let [one, two] = [w.authority.socket_ticket(&ann).unwrap(), w.authority.socket_ticket(&ann).unwrap()];
    assert_ne!(one.expose(), two.expose());
    for at in [Arc::clone(&w.authority), w.node()] {
        for ticket in [&one, &one, &two] {
            let shown = PresentedCredential::SocketTicket(ticket.clone());
            assert_eq!(at.authenticate(&w.ctx(), shown).await.unwrap().session, ann.session);
        }
    }
    let of = SessionsOf::Session(ann.session.unwrap().id);
    w.authority.revoke_sessions(&w.ctx(), &w.home_permit(), of).await.unwrap();
    assert_eq!(by_ticket(&w, &one).await, "session_revoked");
}

#[tokio::test]
async fn n24_a_ticket_that_nobody_made_opens_nothing() {
    let w = world().await;
    let ann = w.member("ann").await;
    let ann = w.sign_in(&ann).await;
    let ticket = w.authority.socket_ticket(&ann).unwrap();
    let text = ticket.expose();
    for end in [0, 4, 20, text.len() - 1] {
        assert_eq!(by_ticket(&w, &RawToken::new(&text[..end])).await, "token_unknown", "{end}");
    }
    assert_eq!(by_ticket(&w, &RawToken::new(format!("{text}A"))).await, "token_unknown");
    // Of the right form, but sealed under no key of ours.
    let other = world().await;
    let bob = other.member("bob").await;
    let foreign = other.authority.socket_ticket(&other.sign_in(&bob).await).unwrap();
    assert_eq!(TokenKind::of(&foreign), Some(TokenKind::SocketTicket));
    let swapped = foreign.expose().replacen("rfs_", "rfg_", 1);
    assert_eq!(by_ticket(&w, &RawToken::new(swapped)).await, "token_unknown");
}

#[tokio::test]
async fn n19_a_ticket_is_no_token_and_no_token_is_a_ticket() {
    let w = world().await;
    let ann = w.member("ann").await;
    let ann = w.sign_in(&ann).await;
    let ticket = w.authority.socket_ticket(&ann).unwrap();
    assert_eq!(outcome(&w.bearer(&ticket).await), "token_type");
    let key = w.authority.authenticate(&w.ctx(), PresentedCredential::ApiKey(ticket)).await;
    assert_eq!(outcome(&key), "token_type");
    let token = w.token(&ann).await;
    assert_eq!(by_ticket(&w, &token).await, "token_unknown");
    for kind in [TokenKind::ApiKey, TokenKind::GuestTicket, TokenKind::Verification] {
        assert_eq!(by_ticket(&w, &kind.mint(w.entropy.as_ref())).await, "token_type", "{kind:?}");
    }
}

#[tokio::test]
async fn a_guest_takes_nobody_s_name() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (eve, _) = w.external("eve").await;
    let taken = [
        ann.identity.id.to_string(),
        ann.identity.id.to_string().to_uppercase(),
        ann.identity.id.short(),
        "ann@example.org".to_owned(),
        " Ann@Example.ORG ".to_owned(),
        "eve".to_owned(),
        eve.identity.id.to_string(),
    ];
    for name in taken {
        assert_eq!(outcome(&w.authority.refuse_known_name(w.home.reference(), &name).await), "conflict", "{name}");
    }
    let guest = w.guest().await.identity.id.to_string();
    for name in ["somebody", "ben@example.org", "Eve", &guest] {
        assert_eq!(outcome(&w.authority.refuse_known_name(w.home.reference(), name).await), "accepted", "{name}");
    }
    let other = w.application(&w.home, "gadget").await;
    let free = w.authority.refuse_known_name(other.reference(), "eve").await;
    assert_eq!(outcome(&free), "accepted", "a subject is known in its own application");
    w.authority.erase_identity(&w.ctx(), &w.home_permit(), ann.identity.id).await.unwrap();
    let erased = w.authority.refuse_known_name(w.home.reference(), &ann.identity.id.to_string()).await;
    assert_eq!(outcome(&erased), "conflict", "n90: an id is never somebody else's");
}

async fn named(w: &World, name: &str, settings: ApplicationSettings) -> Application {
    let aliases = vec![Alias { scheme: "key".to_owned(), value: format!("key-of-{name}") }];
    let wanted = ApplicationRequest { name: name.to_owned(), settings, aliases };
    w.authority.create_application(&w.ctx(), &w.home_permit(), wanted).await.unwrap()
}

#[tokio::test]
async fn whoever_named_no_application_is_at_home_where_they_may_be() {
    let w = world().await;
    w.member("ann").await;
    let presented = PresentedCredential::Password {
        project: ProjectRef::Id(w.home.project.id),
        identifier: Identifier::email("ann@example.org"),
        password: Password::new(PASSWORD),
    };
    let who = w.authority.sign_in(&w.ctx(), presented).await.unwrap();
    assert_eq!(outcome(&w.authority.home_application(&who, "key").await), "not_found");
    let no_password: BTreeSet<_> = WayIn::ALL.into_iter().filter(|way| *way != WayIn::Password).collect();
    let closed = ApplicationSettings { sign_in: no_password, ..ApplicationSettings::default() };
    let closed = named(&w, "closed", closed).await;
    let off = named(&w, "off", ApplicationSettings::default()).await;
    w.authority.disable_application(&w.ctx(), &w.home_permit(), off.id, true).await.unwrap();
    let open = named(&w, "open", ApplicationSettings::default()).await;
    let (home, name) = w.authority.home_application(&who, "key").await.unwrap();
    assert_eq!((home.id, name.as_str()), (open.id, "key-of-open"));
    let enter = async |id| outcome(&w.authority.enter_application(&who, ProjectRef::Application(id)).await);
    assert_eq!(
        [enter(open.id).await, enter(closed.id).await, enter(off.id).await],
        ["accepted", "not_supported", "disabled"]
    );
    let other = w.place("elsewhere").await;
    assert_eq!(enter(other.application.id).await, "app_mismatch");
}

#[tokio::test]
async fn members_see_who_shares_an_application_with_them() {
    let w = world().await;
    let [ann, ben, cid] = [w.member("ann").await, w.member("ben").await, w.member("cid").await];
    w.give_role(&ann, "agent").await;
    w.give_role(&ben, "agent").await;
    let here = w.home.application.id;
    let seen = async |who| {
        let found = w.authority.colleagues(&who, here, 10).await.unwrap();
        found.iter().map(|found| found.id).collect::<BTreeSet<_>>()
    };
    assert_eq!(seen(w.sign_in(&ann).await).await, BTreeSet::from([ann.identity.id, ben.identity.id]));
    assert_eq!(seen(w.sign_in(&cid).await).await, BTreeSet::from([cid.identity.id]));
    w.authority.suspend_identity(&w.ctx(), &w.home_permit(), ben.identity.id, true).await.unwrap();
    assert_eq!(seen(w.sign_in(&ann).await).await, BTreeSet::from([ann.identity.id]));
    let other = w.place("elsewhere").await;
    let stranger = w.member_of(&other, "dan").await;
    let stranger = w.sign_in(&stranger).await;
    assert_eq!(outcome(&w.authority.colleagues(&stranger, here, 10).await), "app_mismatch");
}
