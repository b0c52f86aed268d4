//! Applications and the issuers they trust.

use ringfence_core::{
    application::{Alias, ApplicationSettings},
    authority::ApplicationRequest,
    event::SecurityEvent,
    project::ProjectRef,
    secret::RawToken,
    testing::{ASSERTIONS, LADDER, PASSWORD, World, outcome},
    time::Clock as _,
};
use serde_json::json;

use crate::support::world;

pub fn request(name: &str) -> ApplicationRequest {
    ApplicationRequest { name: name.to_owned(), settings: ApplicationSettings::default(), aliases: vec![] }
}

fn alias(value: &str) -> Alias {
    Alias { scheme: "publishable_key".to_owned(), value: value.to_owned() }
}

fn named(value: &str) -> ProjectRef {
    ProjectRef::Alias { scheme: "publishable_key", value: value.to_owned() }
}

#[tokio::test]
async fn an_application_is_found_by_id_alias_short_id_and_name() {
    let w = world().await;
    let permit = w.home_permit();
    let wanted = ApplicationRequest { aliases: vec![alias("key-1")], ..request("gadget") };
    let made = w.authority.create_application(&w.ctx(), &permit, wanted).await.unwrap();
    assert_eq!(w.trail().await, ["operator application.created application"]);
    for reference in [ProjectRef::Application(made.id), named("key-1"), named(&made.id.short())] {
        let (project, found) = w.authority.find_application(reference).await.unwrap();
        assert_eq!((project.id, found), (w.home.project.id, made.clone()));
    }
    assert_eq!(w.authority.application_by_name(&permit, "gadget").await.unwrap(), made);
    assert_eq!(w.authority.aliases(made.id).await.unwrap(), [alias("key-1")]);
    for reference in [named("key-2"), named(""), ProjectRef::Id(w.home.project.id), ProjectRef::Name("acme".to_owned())]
    {
        assert_eq!(outcome(&w.authority.find_application(reference.clone()).await), "not_found", "{reference:?}");
    }
}

#[tokio::test]
async fn applications_are_listed_in_pages() {
    let w = world().await;
    let permit = w.home_permit();
    let all = w.authority.applications(&permit, None, 10).await.unwrap();
    w.clock.advance(std::time::Duration::from_secs(1));
    let made = w.authority.create_application(&w.ctx(), &permit, request("gadget")).await.unwrap();
    assert_eq!(w.authority.applications(&permit, Some(all[0].id), 10).await.unwrap(), [made]);
    assert_eq!(w.authority.applications(&permit, None, 1).await.unwrap(), all);
}

#[tokio::test]
async fn an_application_is_not_made_with_a_taken_alias_or_in_a_disabled_project() {
    let w = world().await;
    let permit = w.home_permit();
    let wanted = || ApplicationRequest { aliases: vec![alias("key-1")], ..request("gadget") };
    w.authority.create_application(&w.ctx(), &permit, wanted()).await.unwrap();
    assert_eq!(outcome(&w.authority.create_application(&w.ctx(), &permit, wanted()).await), "conflict");
    assert_eq!(outcome(&w.authority.create_application(&w.ctx(), &permit, request(" ")).await), "invalid");
    assert_eq!(w.authority.applications(&permit, None, 10).await.unwrap().len(), 2);
    w.authority.disable_project(&w.ctx(), &permit, true).await.unwrap();
    assert_eq!(outcome(&w.authority.create_application(&w.ctx(), &permit, request("late")).await), "disabled");
}

#[tokio::test]
async fn a_member_founds_an_application_and_owns_it() {
    let w = world().await;
    let ann = w.sign_in(&w.member("ann").await).await;
    w.trail().await;
    let wanted = request("mine");
    let founded = w.authority.found_application(&w.ctx(), &ann, wanted, "test:application", "owner").await;
    let (application, membership) = founded.unwrap();
    assert_eq!((membership.identity, membership.role.as_str()), (ann.identity.id, "owner"));
    assert_eq!(w.trail().await, ["identity application.created application"]);
    let by_alias = ProjectRef::Alias { scheme: "test:application", value: application.id.short() };
    let (_, found) = w.authority.membership(&ann, by_alias, &LADDER).await.unwrap();
    assert_eq!(found, membership);
    let (external, _) = w.external("ext-1").await;
    let refused = w.authority.found_application(&w.ctx(), &external, request("no"), "test:application", "owner").await;
    assert_eq!(outcome(&refused), "forbidden");
}

#[tokio::test]
async fn what_an_application_configures_counts_at_once() {
    let w = world().await;
    let guest = w.guest().await;
    let token = w.token(&guest).await;
    w.bearer(&token).await.unwrap();
    w.trail().await;
    w.bus.take();
    let settings = ApplicationSettings {
        allowed_origins: vec!["https://example.org".to_owned()],
        ..ApplicationSettings::default()
    };
    let (permit, id) = (w.home_permit(), w.home.application.id);
    let configured =
        w.authority.configure_application(&w.ctx(), &permit, id, settings.clone(), vec![alias("key-1")]).await.unwrap();
    assert_eq!((&configured.settings, configured.updated_at), (&settings, w.clock.now()));
    assert_eq!(w.trail().await, ["operator application.configured application"]);
    assert_eq!(w.bus.take(), [SecurityEvent::ApplicationChanged(id)]);
    assert_eq!(w.bearer(&token).await.unwrap().application.unwrap().settings, settings, "no stale copy is shown");
    assert_eq!(w.authority.aliases(id).await.unwrap().len(), 2, "aliases are added");
}

#[tokio::test]
async fn a_disabled_application_loses_its_sessions_and_others_keep_theirs() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let ann = w.member("ann").await;
    let elsewhere = ringfence_core::testing::Member { application: other.application.id, ..ann.clone() };
    let (here, there) = (w.sign_in(&ann).await, w.sign_in(&elsewhere).await);
    let tokens = [w.token(&here).await, w.token(&there).await];
    w.trail().await;
    w.bus.take();
    let (permit, id) = (w.home_permit(), w.home.application.id);
    w.authority.disable_application(&w.ctx(), &permit, id, true).await.unwrap();
    assert_eq!(w.trail().await, ["operator application.disabled application"]);
    let revoked = SecurityEvent::SessionRevoked(here.session.as_ref().unwrap().id);
    assert_eq!(w.bus.take(), [revoked, SecurityEvent::ApplicationChanged(id)]);
    assert_eq!(outcome(&w.bearer(&tokens[0]).await), "disabled");
    assert_eq!(outcome(&w.bearer(&tokens[1]).await), "accepted");
    w.authority.disable_application(&w.ctx(), &permit, id, false).await.unwrap();
    assert_eq!(w.trail().await, ["operator application.enabled application"]);
    assert_eq!(outcome(&w.bearer(&tokens[0]).await), "session_revoked");
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), ann.shows(PASSWORD)).await), "accepted");
}

#[tokio::test]
async fn an_application_trusts_several_issuers_at_once() {
    let w = world().await;
    let (permit, id) = (w.home_permit(), w.home.application.id);
    let brought = RawToken::new("Xb2!v9Qw-7hR_zK4pLm0sTnYc5dGf8jA");
    w.trail().await;
    let given = w.authority.trust_issuer(&w.ctx(), &permit, id, ASSERTIONS.name, Some(brought.clone())).await.unwrap();
    assert_eq!(given.expose(), brought.expose());
    assert_eq!(w.trail().await, ["operator issuer.trusted trusted_issuer"]);
    let mut place = w.home.clone();
    for secret in [w.home.secret.clone(), brought] {
        place.secret = secret;
        let jwt = w.assertion(&place, json!({ "_id": "ext-1" }));
        assert_eq!(outcome(&w.assert(&jwt).await), "accepted");
        assert!(w.authority.trusts(&permit, id, ASSERTIONS.name, &place.secret).await.unwrap());
        assert!(!w.authority.trusts(&permit, id, "short", &place.secret).await.unwrap());
    }
    assert!(!w.authority.trusts(&permit, id, ASSERTIONS.name, &RawToken::new("another")).await.unwrap());
    assert_eq!(w.authority.issuers(&permit, id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn n05_a_weak_secret_and_an_unknown_profile_are_refused() {
    let w = world().await;
    let (permit, id) = (w.home_permit(), w.home.application.id);
    let trust = async |profile, secret: &str| {
        outcome(&w.authority.trust_issuer(&w.ctx(), &permit, id, profile, Some(RawToken::new(secret))).await)
    };
    for weak in ["", "secret", "0123456789012345678901234567890", &"a".repeat(64)] {
        assert_eq!(trust(ASSERTIONS.name, weak).await, "invalid", "{weak}");
    }
    assert_eq!(trust("unknown", "Xb2!v9Qw-7hR_zK4pLm0sTnYc5dGf8jA").await, "invalid");
}

#[tokio::test]
async fn an_issuer_secret_is_stored_sealed() {
    let w = world().await;
    let issuers = w.authority.issuers(&w.home_permit(), w.home.application.id).await.unwrap();
    assert!(issuers[0].secret.as_str().starts_with("v1."));
    assert!(!issuers[0].secret.as_str().contains(w.home.secret.expose()));
}

#[tokio::test]
async fn replacing_the_issuers_ends_what_the_old_ones_signed_and_nothing_else() {
    let w = world().await;
    let owner = w.member("owner").await;
    w.give_role(&owner, "owner").await;
    let owner = w.sign_in(&owner).await;
    let (_, jwt) = w.external("ext-1").await;
    let guest = w.token(&w.guest().await).await;
    w.trail().await;
    let (home, needs) = (w.home.reference(), World::needs("owner"));
    let fresh = w.authority.replace_issuers(&w.ctx(), &owner, home, needs, &ASSERTIONS).await.unwrap();
    assert_eq!(w.trail().await, ["identity issuer.revoked trusted_issuer", "identity issuer.trusted trusted_issuer"]);
    assert_eq!(outcome(&w.assert(&jwt).await), "session_revoked");
    assert_eq!(outcome(&w.bearer(&guest).await), "accepted");
    let place = ringfence_core::testing::Place { secret: fresh, ..w.home.clone() };
    let back = w.assert(&w.assertion(&place, json!({ "_id": "ext-1" }))).await;
    assert_eq!(outcome(&back), "accepted", "the same user, vouched for anew");
    let admin = w.member("admin").await;
    w.give_role(&admin, "admin").await;
    let admin = w.sign_in(&admin).await;
    let refused = w.authority.replace_issuers(&w.ctx(), &admin, w.home.reference(), needs, &ASSERTIONS).await;
    assert_eq!(outcome(&refused), "forbidden");
}

#[tokio::test]
async fn a_revoked_issuer_ends_with_what_it_signed_and_others_stay() {
    let w = world().await;
    let (permit, id) = (w.home_permit(), w.home.application.id);
    let second = w.authority.trust_issuer(&w.ctx(), &permit, id, ASSERTIONS.name, None).await.unwrap();
    let place = ringfence_core::testing::Place { secret: second, ..w.home.clone() };
    let (_, old) = w.external("ext-1").await;
    let new = w.assertion(&place, json!({ "_id": "ext-1" }));
    w.assert(&new).await.unwrap();
    let issuer = w.authority.issuer_with(&permit, id, ASSERTIONS.name, &w.home.secret).await.unwrap().unwrap();
    w.trail().await;
    w.authority.revoke_issuer(&w.ctx(), &permit, id, issuer).await.unwrap();
    assert_eq!(w.trail().await, ["operator issuer.revoked trusted_issuer"]);
    assert_eq!(outcome(&w.assert(&old).await), "session_revoked");
    assert_eq!(outcome(&w.assert(&new).await), "accepted");
    let late = w.assertion(&w.home, json!({ "_id": "ext-1", "jti": "late" }));
    assert_eq!(outcome(&w.assert(&late).await), "token_signature");
    assert_eq!(outcome(&w.authority.revoke_issuer(&w.ctx(), &permit, id, issuer).await), "not_found");
    assert_eq!(w.authority.issuer_with(&permit, id, ASSERTIONS.name, &w.home.secret).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_taken_away() {
    let w = world().await;
    let (permit, id) = (w.home_permit(), w.home.application.id);
    let settings = w.home.application.settings.clone();
    w.authority.configure_application(&w.ctx(), &permit, id, settings, vec![alias("key-1")]).await.unwrap();
    w.trail().await;
    w.authority.remove_alias(&w.ctx(), &permit, id, alias("key-1")).await.unwrap();
    assert_eq!(w.trail().await, ["operator application.configured application"]);
    assert_eq!(outcome(&w.authority.find_application(named("key-1")).await), "not_found");
    let other = ApplicationRequest { aliases: vec![alias("key-1")], ..request("gadget") };
    assert_eq!(outcome(&w.authority.create_application(&w.ctx(), &permit, other).await), "accepted", "it is free");
}
