//! What a node remembers of roles: each way to get, change or lose one is heard of, on this node and on others.

use std::time::Duration;

use ringfence_core::{
    authority::{
        Authenticated, Authority, HomeKind, HomeRequest, InvitationRequest, LinkTemplate, ProfileChange, Upgrade,
    },
    error::AuthError,
    event::{Bus as _, Signal},
    secret::{Password, RawToken},
    testing::{Member, PASSWORD, Reach, Severable, World, outcome},
};
use serde_json::{Map, json};

use crate::support::world;

const HOME: HomeKind = HomeKind { scheme: "test:home", owner: "owner" };

/// Somebody with what they show.
struct Shown {
    member: Member,
    who: Authenticated,
    token: RawToken,
}

async fn somebody(w: &World, name: &str) -> Shown {
    let member = w.member(name).await;
    let who = w.sign_in(&member).await;
    let token = w.token(&who).await;
    Shown { member, who, token }
}

/// What a node says of the bearer's roles.
async fn roles(w: &World, node: &Authority, token: &RawToken) -> Result<Vec<String>, AuthError> {
    let shown = ringfence_core::authority::PresentedCredential::AccessToken(token.clone());
    let who = node.authenticate(&w.ctx(), shown).await?;
    Ok(node.roles(&w.ctx(), &who, None).await?.into_iter().collect())
}

fn invitation(to: &str) -> InvitationRequest {
    InvitationRequest {
        email: format!("{to}@example.org"),
        role: "agent".to_owned(),
        attributes: Map::new(),
        link: LinkTemplate("https://example.org/join/{invitation}".to_owned()),
    }
}

fn home() -> HomeRequest {
    HomeRequest { name: "a home".to_owned(), attributes: Map::new() }
}

/// Every operation that changes the roles of somebody who is known already.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Joined,
    Invited,
    Founded,
    HomeFounded,
    GivenByOperator,
    ShutOutByOwner,
    LetInByOwner,
    Erased,
    ApplicationDisabled,
    ApplicationEnabled,
}

const CHANGES: [Change; 10] = [
    Change::Joined,
    Change::Invited,
    Change::Founded,
    Change::HomeFounded,
    Change::GivenByOperator,
    Change::ShutOutByOwner,
    Change::LetInByOwner,
    Change::Erased,
    Change::ApplicationDisabled,
    Change::ApplicationEnabled,
];

/// An owner, and whoever's roles change.
struct Case {
    w: World,
    owner: Shown,
    ann: Shown,
    place: ringfence_core::application::Application,
}

impl Case {
    async fn before(change: Change) -> Self {
        let w = world().await;
        let owner = somebody(&w, "owner").await;
        w.give_role(&owner.member, "owner").await;
        let (place, _) = w.authority.home(&w.ctx(), &owner.who, HOME, home).await.unwrap();
        let ann = if matches!(change, Change::ShutOutByOwner | Change::LetInByOwner) {
            let wanted = w.registration(&w.home, "ann");
            let needed = World::needs("owner");
            let made = w.authority.register_into(&w.ctx(), &owner.who, place.id, needed, "agent", wanted).await;
            let member = Member {
                identity: made.unwrap(),
                email: "ann@example.org".to_owned(),
                application: w.home.application.id,
            };
            let who = w.sign_in(&member).await;
            let token = w.token(&who).await;
            Shown { member, who, token }
        } else {
            somebody(&w, "ann").await
        };
        if matches!(change, Change::Erased | Change::ApplicationDisabled | Change::ApplicationEnabled) {
            let reference = ringfence_core::project::ProjectRef::Application(place.id);
            w.authority.join_application(&w.ctx(), &ann.who, reference, "agent").await.unwrap();
        }
        let case = Self { w, owner, ann, place };
        match change {
            Change::LetInByOwner => case.bring_about(Change::ShutOutByOwner).await,
            Change::ApplicationEnabled => case.bring_about(Change::ApplicationDisabled).await,
            _ => {}
        }
        case
    }

    async fn bring_about(&self, change: Change) {
        let (w, at, ctx, ann) = (&self.w, &self.w.authority, self.w.ctx(), &self.ann);
        let permit = w.home_permit();
        match change {
            Change::Joined => {
                at.join_application(&ctx, &ann.who, w.home.reference(), "agent").await.unwrap();
            }
            Change::Invited => {
                let (owner, needed) = (&self.owner.who, World::needs("owner"));
                at.invite(&ctx, owner, w.home.reference(), needed, invitation("ann")).await.unwrap();
            }
            Change::Founded => {
                let wanted = super::applications::request("one");
                at.found_application(&ctx, &ann.who, wanted, "test:application", "owner").await.unwrap();
            }
            Change::HomeFounded => {
                at.home(&ctx, &ann.who, HOME, home).await.unwrap();
            }
            Change::GivenByOperator => {
                let roles = Map::from_iter([("roles".to_owned(), json!(["auditor"]))]);
                let change = ProfileChange { attributes: Some(("project", roles)), ..ProfileChange::default() };
                at.change_identity(&ctx, &permit, ann.who.identity.id, change).await.unwrap();
            }
            Change::ShutOutByOwner | Change::LetInByOwner => {
                let (owner, out) = (&self.owner.who, change == Change::ShutOutByOwner);
                let needed = World::needs("owner");
                at.suspend_member(&ctx, owner, self.place.id, needed, ann.who.identity.id, out).await.unwrap();
            }
            Change::Erased => {
                at.erase_identity(&ctx, &permit, ann.who.identity.id).await.unwrap();
            }
            Change::ApplicationDisabled | Change::ApplicationEnabled => {
                let out = change == Change::ApplicationDisabled;
                at.disable_application(&ctx, &permit, self.place.id, out).await.unwrap();
            }
        }
    }

    /// What a node says of Ann, by her session or, where that has ended, by her id alone.
    async fn asked(&self, node: &Authority) -> Vec<String> {
        match roles(&self.w, node, &self.ann.token).await {
            Ok(roles) => roles,
            Err(_) => node.roles(&self.w.ctx(), &self.ann.who, None).await.unwrap().into_iter().collect(),
        }
    }
}

#[tokio::test]
async fn each_change_of_roles_counts_at_once_here_and_where_it_is_heard_of() {
    for change in CHANGES {
        let case = Case::before(change).await;
        let (other, mut announced) = (case.w.node(), case.w.bus.subscribe());
        let before = case.asked(&case.w.authority).await;
        assert_eq!(case.asked(&other).await, before, "{change:?}");
        case.bring_about(change).await;
        let after = case.asked(&case.w.node()).await;
        assert_ne!(before, after, "{change:?} changes something");
        assert_eq!(case.asked(&case.w.authority).await, after, "{change:?}");
        while let Some(signal) = announced.try_next() {
            other.hear(signal);
        }
        assert_eq!(case.asked(&other).await, after, "{change:?}, heard of");
    }
}

#[tokio::test]
async fn a_change_that_nobody_heard_of_counts_after_a_gap_or_30_seconds() {
    for change in CHANGES {
        let case = Case::before(change).await;
        let (gap, late) = (case.w.node(), case.w.node());
        for node in [&gap, &late] {
            case.asked(node).await;
        }
        case.bring_about(change).await;
        let after = case.asked(&case.w.node()).await;
        gap.hear(Signal::Gap);
        assert_eq!(case.asked(&gap).await, after, "{change:?}");
        case.w.clock.advance(Duration::from_secs(30));
        assert_eq!(case.asked(&late).await, after, "{change:?}");
    }
}

/// A sign-in, a registration and an upgrade that are the first that is heard of somebody.
#[tokio::test]
async fn newcomers_have_the_roles_that_wait_for_them() {
    let w = world().await;
    let owner = somebody(&w, "owner").await;
    w.give_role(&owner.member, "owner").await;
    for to in ["ann", "cy"] {
        let needed = World::needs("owner");
        w.authority.invite(&w.ctx(), &owner.who, w.home.reference(), needed, invitation(to)).await.unwrap();
    }
    let ann = somebody(&w, "ann").await;
    assert_eq!(roles(&w, &w.authority, &ann.token).await.unwrap(), ["agent"]);
    let guest = w.guest().await;
    assert!(w.authority.roles(&w.ctx(), &guest, None).await.unwrap().is_empty());
    let wanted = Upgrade { email: "cy@example.org".to_owned(), password: Password::new(PASSWORD), verify: None };
    let upgraded = w.authority.upgrade_guest(&w.ctx(), &guest, wanted).await.unwrap();
    let ringfence_core::authority::Upgraded::Member(member) = upgraded else { panic!("the address is free") };
    let roles: Vec<_> = w.authority.roles(&w.ctx(), &member, None).await.unwrap().into_iter().collect();
    assert_eq!(roles, ["agent"]);
    let (external, _) = w.external("one of theirs").await;
    assert!(!w.authority.roles(&w.ctx(), &external, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn roles_are_read_once_and_answered_no_longer_than_a_session_is() {
    let w = world().await;
    let (store, way) = Severable::of(&w.store);
    let node = w.node_with(|parts| parts.store = store);
    let ann = somebody(&w, "ann").await;
    w.give_role(&ann.member, "agent").await;
    assert_eq!(roles(&w, &node, &ann.token).await.unwrap(), ["agent"]);
    way.set(Reach::Refused);
    w.clock.advance(Duration::from_secs(29));
    assert_eq!(roles(&w, &node, &ann.token).await.unwrap(), ["agent"]);
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(&roles(&w, &node, &ann.token).await), "unavailable");
    assert_eq!(outcome(&node.roles(&w.ctx(), &ann.who, None).await), "unavailable", "nobody has no roles by mistake");
}

#[tokio::test]
async fn a_place_in_an_application_counts_there_and_to_an_issuer_only_its_own() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let ann = somebody(&w, "ann").await;
    w.give_role(&ann.member, "agent").await;
    w.authority.join_application(&w.ctx(), &ann.who, other.reference(), "user").await.unwrap();
    let within = async |who: &Authenticated, place: Option<&ringfence_core::testing::Place>| {
        let roles = w.authority.roles(&w.ctx(), who, place.map(|place| place.application.id)).await.unwrap();
        roles.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(within(&ann.who, None).await, ["agent", "user"]);
    assert_eq!(within(&ann.who, Some(&other)).await, ["user"]);
    let jwt = w.assertion(&w.home, json!({ "_id": ann.who.identity.id.short(), "sub": "user" }));
    let vouched = w.assert(&jwt).await.unwrap();
    assert_eq!(within(&vouched, None).await, ["agent"]);
    assert!(within(&vouched, Some(&other)).await.is_empty());
}
