//! Homes: the application that is somebody's own place.

use std::sync::Arc;

use ringfence_core::{
    application::Application,
    authority::{Authenticated, HomeKind, HomeRequest, RoleNeeded},
    event::SecurityEvent,
    identity::Identity,
    testing::{Member, World, outcome},
};
use serde_json::Map;

use crate::support::world;

/// Owners have a role of the ladder of these tests.
const KIND: HomeKind = HomeKind { scheme: "test:home", owner: "owner" };

fn fresh() -> HomeRequest {
    HomeRequest { name: "home".to_owned(), attributes: Map::new() }
}

fn manages() -> RoleNeeded {
    World::needs("owner")
}

async fn home(w: &World, who: &Authenticated) -> Application {
    w.authority.home(&w.ctx(), who, KIND, fresh).await.unwrap().0
}

/// Ann with her home, and Cy whom she registered in it.
async fn household(w: &World) -> (Authenticated, Application, Identity) {
    let ann = w.sign_in(&w.member("ann").await).await;
    let place = home(w, &ann).await;
    let wanted = w.registration(&w.home, "cy");
    let cy = w.authority.register_into(&w.ctx(), &ann, place.id, manages(), "agent", wanted).await.unwrap();
    (ann, place, cy)
}

#[tokio::test]
async fn a_home_is_founded_with_the_account_or_at_the_first_look_and_once() {
    let w = world().await;
    let wanted = w.registration(&w.home, "ann");
    let request = HomeRequest { name: "Acme".to_owned(), ..fresh() };
    w.trail().await;
    w.authority.register_with_home(&w.ctx(), wanted, KIND, request).await.unwrap();
    assert_eq!(w.trail().await, ["identity application.created application", "identity identity.registered identity"]);
    let bob = w.sign_in(&w.member("bob").await).await;
    w.trail().await;
    let bob = Arc::new(bob);
    let looks = (0..8).map(|_| {
        let (authority, ctx, bob) = (Arc::clone(&w.authority), w.ctx(), Arc::clone(&bob));
        tokio::spawn(async move { authority.home(&ctx, &bob, KIND, fresh).await.unwrap().0.id })
    });
    let mut found = Vec::new();
    for look in looks.collect::<Vec<_>>() {
        found.push(look.await.unwrap());
    }
    found.dedup();
    assert_eq!(found.len(), 1);
    assert_eq!(w.trail().await, ["identity application.created application"]);
}

#[tokio::test]
async fn only_an_account_has_a_home_and_none_while_it_is_switched_off() {
    let w = world().await;
    let guest = w.guest().await;
    assert_eq!(outcome(&w.authority.home(&w.ctx(), &guest, KIND, fresh).await), "forbidden");
    let ann = w.sign_in(&w.member("ann").await).await;
    let place = home(&w, &ann).await;
    w.authority.disable_application(&w.ctx(), &w.home_permit(), place.id, true).await.unwrap();
    assert_eq!(outcome(&w.authority.home(&w.ctx(), &ann, KIND, fresh).await), "disabled");
    let wanted = w.registration(&w.home, "cy");
    let made = w.authority.register_into(&w.ctx(), &ann, place.id, manages(), "agent", wanted).await;
    assert_eq!(outcome(&made), "not_found");
}

#[tokio::test]
async fn a_home_that_is_switched_off_takes_the_sessions_of_its_people_along() {
    let w = world().await;
    let (ann, place, cy) = household(&w).await;
    let cy = Member { identity: cy, email: "cy@example.org".to_owned(), application: w.home.application.id };
    let cy = w.sign_in(&cy).await;
    let bob = w.sign_in(&w.member("bob").await).await;
    home(&w, &bob).await;
    let [anns, cys, bobs] = [&ann, &cy, &bob].map(|who| who.session.as_ref().unwrap().id);
    w.bus.take();
    w.authority.disable_application(&w.ctx(), &w.home_permit(), place.id, true).await.unwrap();
    let heard = w.bus.take();
    assert!([anns, cys].iter().all(|id| heard.contains(&SecurityEvent::SessionRevoked(*id))), "{heard:?}");
    let live = w.authority.still_live(vec![anns, cys, bobs]).await.unwrap();
    assert_eq!(live.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [bobs]);
}

#[tokio::test]
async fn who_is_registered_into_a_home_has_no_other_and_manages_nobody() {
    let w = world().await;
    let (ann, place, cy) = household(&w).await;
    let seen = w.authority.people_of(&ann, place.id, manages(), 0, 10).await.unwrap();
    assert_eq!(seen.total, 2);
    let cy = Member { identity: cy, email: "cy@example.org".to_owned(), application: w.home.application.id };
    let cy = w.sign_in(&cy).await;
    assert_eq!(home(&w, &cy).await.id, place.id);
    let (a, ctx) = (&w.authority, w.ctx());
    assert_eq!(outcome(&a.people_of(&cy, place.id, manages(), 0, 10).await), "forbidden");
    let wanted = w.registration(&w.home, "di");
    assert_eq!(outcome(&a.register_into(&ctx, &cy, place.id, manages(), "owner", wanted).await), "forbidden");
    let shut = a.suspend_member(&ctx, &cy, place.id, manages(), ann.identity.id, true).await;
    assert_eq!(outcome(&shut), "forbidden");
    // Bob has a home of his own and nothing to say here.
    let bob = w.sign_in(&w.member("bob").await).await;
    home(&w, &bob).await;
    assert_eq!(outcome(&a.people_of(&bob, place.id, manages(), 0, 10).await), "not_found");
}

#[tokio::test]
async fn an_owner_shuts_out_whom_they_registered_and_nobody_else() {
    let w = world().await;
    let (ann, place, cy) = household(&w).await;
    let bob = w.member("bob").await;
    let set = async |id, out| {
        w.authority.suspend_member(&w.ctx(), &ann, place.id, manages(), id, out).await.map(|found| found.standing)
    };
    w.trail().await;
    w.bus.take();
    assert!(set(cy.id, true).await.unwrap().suspended_at.is_some());
    assert_eq!(w.trail().await, ["identity identity.suspended identity"]);
    assert_eq!(w.bus.take(), [SecurityEvent::MembershipChanged(cy.id), SecurityEvent::IdentityChanged(cy.id)]);
    assert!(set(cy.id, true).await.is_ok(), "twice is as good as once");
    assert!(set(cy.id, false).await.unwrap().is_active());
    for other in [ann.identity.id, bob.identity.id] {
        assert_eq!(outcome(&set(other, true).await), "not_found");
    }
}

#[tokio::test]
async fn an_owner_cannot_undo_what_the_operator_did() {
    let w = world().await;
    let (ann, place, cy) = household(&w).await;
    let set = async |out| outcome(&w.authority.suspend_member(&w.ctx(), &ann, place.id, manages(), cy.id, out).await);
    let operator = async |out| w.authority.suspend_identity(&w.ctx(), &w.home_permit(), cy.id, out).await.unwrap();
    operator(true).await;
    assert_eq!((set(true).await, set(false).await), ("forbidden", "forbidden"));
    operator(false).await;
    assert_eq!(set(true).await, "accepted");
    w.clock.advance(std::time::Duration::from_secs(1));
    // On top of the owner's.
    operator(true).await;
    assert_eq!(set(false).await, "forbidden");
}
