//! Identities: registered, found, changed, suspended, erased.

use std::time::Duration;

use ringfence_core::{
    authority::{LinkTemplate, ProfileChange},
    caller::{Caller, Scope},
    event::SecurityEvent,
    identity::{Identifier, IdentityFilter, IdentityKind, Profile},
    mail::Message,
    testing::{PASSWORD, outcome},
    time::Clock as _,
};
use serde_json::{Map, json};

use crate::support::world;

#[tokio::test]
async fn registering_makes_a_member_whose_address_is_not_proved() {
    let w = world().await;
    let mut wanted = w.registration(&w.home, "ann");
    wanted.email = " Ann@Example.org ".to_owned();
    let ann = w.authority.register(&w.ctx(), wanted).await.unwrap();
    assert_eq!((ann.kind, ann.application, ann.project), (IdentityKind::Member, None, w.home.project.id));
    assert_eq!(ann.profile.given_name.as_deref(), Some("ann"));
    let held = w.authority.identifiers(ann.id).await.unwrap();
    assert_eq!((held[0].identifier.clone(), held[0].verified_at), (Identifier::email("ann@example.org"), None));
    assert_eq!(w.trail().await, ["identity identity.registered identity"]);
    assert_eq!(w.bus.take(), []);
    assert!(w.mailer.delivered().is_empty());
}

#[tokio::test]
async fn an_administrator_may_vouch_for_an_address_of_their_own_project() {
    let w = world().await;
    let far = w.project("far").await;
    let link = || Some(LinkTemplate("https://example.org/{token}".to_owned()));
    for (name, permit, proved) in [("ann", w.home_permit(), true), ("bob", w.permit(far.id), false)] {
        let mut wanted = w.registration(&w.home, name);
        (wanted.vouched, wanted.verify) = (Some(permit), link());
        let id = w.authority.register(&w.ctx(), wanted).await.unwrap().id;
        let held = w.authority.identifiers(id).await.unwrap();
        assert_eq!(held[0].verified_at.is_some(), proved, "{name}");
    }
    assert_eq!(w.mailer.nth(1).await.to, "bob@example.org");
    assert_eq!(w.mailer.delivered().len(), 1, "nothing is mailed to prove what is proved");
}

#[tokio::test]
async fn an_address_that_mail_cannot_reach_is_refused() {
    let w = world().await;
    for email in ["", "ann", "ann@localhost", "a b@example.org", "ann@example.org,bob@example.org"] {
        let mut wanted = w.registration(&w.home, "ann");
        wanted.email = email.to_owned();
        assert_eq!(outcome(&w.authority.register(&w.ctx(), wanted).await), "invalid", "{email}");
    }
}

#[tokio::test]
async fn an_address_is_taken_in_every_spelling_and_in_its_project_only() {
    let w = world().await;
    let far = w.place("far").await;
    w.member("ann").await;
    let mut wanted = w.registration(&w.home, "ann");
    wanted.email = "ANN@example.ORG".to_owned();
    assert_eq!(outcome(&w.authority.register(&w.ctx(), wanted).await), "conflict");
    w.member_of(&far, "ann").await;
    let all = w.authority.identities(&w.home_permit(), IdentityFilter::default(), None, 10).await.unwrap();
    assert_eq!(all.len(), 1, "a refused registration leaves nothing behind");
}

#[tokio::test]
async fn nobody_registers_where_all_is_disabled() {
    let w = world().await;
    let permit = w.home_permit();
    w.authority.disable_application(&w.ctx(), &permit, w.home.application.id, true).await.unwrap();
    assert_eq!(outcome(&w.authority.register(&w.ctx(), w.registration(&w.home, "ann")).await), "disabled");
}

#[tokio::test]
async fn the_language_of_the_request_is_kept_unless_another_is_given() {
    let w = world().await;
    let ctx = ringfence_core::context::Ctx { language: Some("de".to_owned()), ..w.ctx() };
    let mut wanted = w.registration(&w.home, "ann");
    wanted.verify = Some(LinkTemplate("https://example.org/{token}".to_owned()));
    let ann = w.authority.register(&ctx, wanted).await.unwrap();
    assert_eq!(ann.profile.locale.as_deref(), Some("de"));
    assert_eq!(w.mailer.nth(1).await.language.as_deref(), Some("de"));
    let mut wanted = w.registration(&w.home, "bob");
    wanted.profile.locale = Some("fr".to_owned());
    assert_eq!(w.authority.register(&ctx, wanted).await.unwrap().profile.locale.as_deref(), Some("fr"));
}

#[tokio::test]
async fn identities_are_found_and_listed() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.clock.advance(Duration::from_secs(1));
    let guest = w.guest().await;
    let permit = Caller::Operator.permit(Scope::IdentitiesRead, w.home.project.id).unwrap();
    let at = &w.authority;
    assert_eq!(at.identity(&permit, ann.identity.id).await.unwrap(), ann.identity);
    assert_eq!(at.identity_by(&permit, Identifier::email("ANN@example.org")).await.unwrap().id, ann.identity.id);
    assert_eq!(outcome(&at.identity_by(&permit, Identifier::email("bob@example.org")).await), "not_found");
    let list = async |kind, after| {
        let found = at.identities(&permit, IdentityFilter { kind }, after, 10).await.unwrap();
        found.into_iter().map(|identity| identity.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None).await, [ann.identity.id, guest.identity.id]);
    assert_eq!(list(None, Some(ann.identity.id)).await, [guest.identity.id]);
    assert_eq!(list(Some(IdentityKind::Member), None).await, [ann.identity.id]);
    assert_eq!(at.public_identity(w.home.reference(), ann.identity.id).await.unwrap(), ann.identity);
}

#[tokio::test]
async fn a_profile_is_changed_where_it_is_named_and_left_elsewhere() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    let token = w.token(&who).await;
    w.bearer(&token).await.unwrap();
    w.trail().await;
    w.bus.take();
    w.clock.advance(Duration::from_secs(1));
    let change = ProfileChange {
        family_name: Some(Some("Other".to_owned())),
        given_name: Some(None),
        attributes: Some(("test", Map::from_iter([("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))]))),
        ..ProfileChange::default()
    };
    let changed = w.authority.change_profile(&w.ctx(), &who, change).await.unwrap();
    assert_eq!(changed.profile, Profile { family_name: Some("Other".to_owned()), ..Profile::default() });
    assert_eq!((changed.updated_at, changed.created_at), (w.clock.now(), ann.identity.created_at));
    assert_eq!(w.bearer(&token).await.unwrap().identity.profile, changed.profile, "no stale copy is shown");
    assert_eq!(w.trail().await, ["identity profile.changed identity"]);
    assert_eq!(w.bus.take(), [SecurityEvent::IdentityChanged(ann.identity.id)]);
    let remove = Map::from_iter([("a".to_owned(), json!(null)), ("c".to_owned(), json!({ "d": [] }))]);
    let change = ProfileChange { attributes: Some(("test", remove)), ..ProfileChange::default() };
    let changed = w.authority.change_profile(&w.ctx(), &who, change).await.unwrap();
    assert_eq!(serde_json::Value::Object(changed.attributes), json!({ "test": { "b": 2, "c": { "d": [] } } }));
}

#[tokio::test]
async fn a_suspended_identity_loses_its_sessions_for_good_and_may_sign_in_again_when_restored() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    let token = w.token(&who).await;
    w.trail().await;
    w.bus.take();
    let permit = w.home_permit();
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, true).await.unwrap();
    assert_eq!(w.trail().await, ["operator identity.suspended identity"]);
    let revoked = SecurityEvent::SessionRevoked(who.session.as_ref().unwrap().id);
    assert_eq!(w.bus.take(), [revoked, SecurityEvent::IdentityChanged(ann.identity.id)]);
    let restored = w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, false).await.unwrap();
    assert!(restored.standing.is_active());
    assert_eq!(w.trail().await, ["operator identity.restored identity"]);
    assert_eq!(outcome(&w.bearer(&token).await), "session_revoked");
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), ann.shows(PASSWORD)).await), "accepted");
}

#[tokio::test]
async fn restoring_lifts_a_lock_too() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (id, now) = (ann.identity.id, w.clock.now());
    w.store.write(move |tx| Ok(tx.lock_identity(id, now)?)).await.unwrap();
    let restored = w.authority.suspend_identity(&w.ctx(), &w.home_permit(), id, false).await.unwrap();
    assert!(restored.standing.is_active());
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), ann.shows(PASSWORD)).await), "accepted");
}

#[tokio::test]
async fn an_erased_identity_leaves_its_id_and_nothing_personal() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "owner").await;
    let who = w.sign_in(&ann).await;
    w.trail().await;
    w.bus.take();
    let erased = w.authority.erase_self(&w.ctx(), &who).await.unwrap();
    assert_eq!((erased.profile.clone(), erased.attributes.len()), (Profile::default(), 0));
    assert_eq!(erased.standing.erased_at, Some(w.clock.now()));
    assert_eq!(w.authority.identifiers(ann.identity.id).await.unwrap(), []);
    assert_eq!(w.authority.memberships(&who).await.unwrap(), []);
    assert_eq!(outcome(&w.authority.public_identity(w.home.reference(), ann.identity.id).await), "not_found");
    assert_eq!(w.authority.identity(&w.home_permit(), ann.identity.id).await.unwrap(), erased);
    assert_eq!(w.trail().await, ["identity identity.erased identity"]);
    let revoked = SecurityEvent::SessionRevoked(who.session.as_ref().unwrap().id);
    let id = ann.identity.id;
    assert_eq!(w.bus.take(), [revoked, SecurityEvent::MembershipChanged(id), SecurityEvent::IdentityChanged(id)]);
}

#[tokio::test]
async fn an_erased_identity_is_not_restored() {
    let w = world().await;
    let ann = w.member("ann").await;
    let permit = w.home_permit();
    w.authority.erase_identity(&w.ctx(), &permit, ann.identity.id).await.unwrap();
    let restored = w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, false).await.unwrap();
    assert!(!restored.standing.is_active());
}

#[tokio::test]
async fn the_mail_to_prove_an_address_holds_the_configured_link() {
    let w = world().await;
    let mut wanted = w.registration(&w.home, "ann");
    wanted.verify = Some(LinkTemplate("https://example.org/#/verify/{identity}/{token}".to_owned()));
    let ann = w.authority.register(&w.ctx(), wanted).await.unwrap();
    let mail = w.mailer.nth(1).await;
    assert_eq!((mail.to.as_str(), mail.sender.as_str()), ("ann@example.org", "acme"));
    let Message::VerifyEmail { link, minutes } = mail.message else { panic!("another mail") };
    let secret = link.strip_prefix(&format!("https://example.org/#/verify/{}/", ann.id.short())).unwrap();
    assert!(secret.starts_with("rfv_") && minutes == 15, "{link}");
}

#[tokio::test]
async fn an_administrator_changes_somebody_s_profile() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.trail().await;
    let change = ProfileChange { nickname: Some(Some("Annie".to_owned())), ..ProfileChange::default() };
    let changed = w.authority.change_identity(&w.ctx(), &w.home_permit(), ann.identity.id, change).await.unwrap();
    assert_eq!(changed.profile.nickname.as_deref(), Some("Annie"));
    assert_eq!(changed.profile.given_name.as_deref(), Some("ann"));
    assert_eq!(w.trail().await, ["operator profile.changed identity"]);
}

#[tokio::test]
async fn only_an_account_that_proved_itself_is_one() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "owner").await;
    let jwt = w.assertion(&w.home, json!({ "_id": ann.identity.id.short(), "sub": "user" }));
    assert_eq!(outcome(&w.sign_in(&ann).await.require_account()), "accepted");
    for who in [w.guest().await, w.external("ext-1").await.0, w.assert(&jwt).await.unwrap()] {
        assert_eq!(outcome(&who.require_account()), "forbidden", "{:?}", who.identity.kind);
    }
}
