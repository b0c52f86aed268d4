//! Sign-in by an identity provider: who is known again, who is joined to an account, who is refused.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{collections::BTreeSet, sync::Arc};

use ringfence_core::{
    application::{ApplicationSettings, WayIn},
    authority::{Authenticated, Authority, LinkTemplate, PresentedCredential},
    error::AuthError,
    federation::{ProviderToken, Providers},
    identity::IdentityKind,
    mail::Message,
    project::ProjectPolicy,
    secret::RawToken,
    testing::{CredulousProvider, Place, World, outcome},
};
use serde_json::json;

/// A world whose home project trusts the provider `credulous`, and a node that has it.
async fn world() -> (World, Authority) {
    let world = support::world().await;
    let mut policy = ProjectPolicy::default();
    policy.federation.insert("credulous".to_owned(), json!({ "app_id": "app-1" }));
    world.authority.configure_project(&world.ctx(), &world.home_permit(), policy).await.unwrap();
    world.trail().await;
    let node = Arc::into_inner(world.node()).unwrap();
    let node = node.with_providers(Providers::default().with("credulous", Arc::new(CredulousProvider)));
    (world, node)
}

async fn shows(world: &World, node: &Authority, place: &Place, token: &str) -> Result<Authenticated, AuthError> {
    let shown = ProviderToken { token: RawToken::new(token), nonce: None };
    let presented = PresentedCredential::Federated { project: place.reference(), provider: "credulous", shown };
    node.sign_in(&world.ctx(), presented).await
}

async fn visits(world: &World, node: &Authority, token: &str) -> Result<Authenticated, AuthError> {
    shows(world, node, &world.home, token).await
}

#[tokio::test]
async fn somebody_new_becomes_a_member_and_is_known_again_by_subject() {
    let (world, node) = world().await;
    let first = visits(&world, &node, "app-1 fay fay@example.org").await.unwrap();
    assert_eq!(first.identity.kind, IdentityKind::Member);
    assert_eq!(first.session.as_ref().unwrap().amr, ["fed"]);
    assert_eq!(world.trail().await, ["identity identity.registered identity", "identity session.started session"]);
    let again = visits(&world, &node, "app-1 fay other@example.org verified").await.unwrap();
    assert_eq!(again.identity.id, first.identity.id);
    let held = world.authority.identifiers(first.identity.id).await.unwrap();
    let held: Vec<_> = held.iter().map(|h| (h.identifier.value(), h.verified_at.is_some())).collect();
    assert_eq!(held, [("fay@example.org", false), ("credulous:fay", true)]);
}

#[tokio::test]
async fn n83_an_address_joins_only_when_both_sides_have_verified_it() {
    let (world, node) = world().await;
    let ann = world.member("ann").await;
    // Neither the provider's word for an unproved account nor an unproved word for a proved one.
    assert_eq!(outcome(&visits(&world, &node, "app-1 x ann@example.org verified").await), "conflict");
    let who = world.sign_in(&ann).await;
    let link = LinkTemplate("https://link.test/".to_owned());
    world.authority.resend_email_verification(&world.ctx(), &who, link).await.unwrap();
    let Message::VerifyEmail { link, .. } = world.mailer.nth(1).await.message else { panic!("another mail") };
    let secret = RawToken::new(link.strip_prefix("https://link.test/").unwrap());
    world.authority.verify_email(&world.ctx(), ann.identity.id, &secret).await.unwrap();
    assert_eq!(outcome(&visits(&world, &node, "app-1 x ann@example.org").await), "conflict");
    world.trail().await;
    let joined = visits(&world, &node, "app-1 x ann@example.org verified").await.unwrap();
    assert_eq!(joined.identity.id, ann.identity.id);
    assert_eq!(world.trail().await, ["identity identity.linked identity", "identity session.started session"]);
    // Her way in is another's, too: she hears of it, once (N101).
    visits(&world, &node, "app-1 x ann@example.org verified").await.unwrap();
    let told = world.mailer.nth(2).await;
    assert_eq!(told.to, ann.email);
    assert!(matches!(told.message, Message::ProviderLinked { provider: "credulous" }));
    world.authority.request_password_reset(&world.ctx(), world.home.reference(), &ann.email, reset()).await.unwrap();
    assert!(matches!(world.mailer.nth(3).await.message, Message::PasswordReset { .. }));
}

fn reset() -> LinkTemplate {
    LinkTemplate("https://link.test/".to_owned())
}

#[tokio::test]
async fn n84_a_token_for_another_application_of_the_provider_is_refused() {
    let (world, node) = world().await;
    assert_eq!(outcome(&visits(&world, &node, "app-2 fay").await), "token_audience");
    assert_eq!(outcome(&visits(&world, &node, "app-1").await), "token_claims");
    assert_eq!(outcome(&visits(&world, &node, "down").await), "unavailable");
    assert!(world.trail().await.is_empty());
}

#[tokio::test]
async fn a_project_that_does_not_name_the_provider_does_not_ask_it() {
    let (world, node) = world().await;
    let other = world.place("other").await;
    assert_eq!(outcome(&shows(&world, &node, &other, "down").await), "not_supported");
}

#[tokio::test]
async fn the_way_by_a_provider_meets_every_state() {
    for state in ["suspended", "locked", "erased", "project", "application", "way"] {
        let (world, node) = world().await;
        let who = visits(&world, &node, "app-1 fay").await.unwrap().identity.id;
        let (ctx, permit, application) = (world.ctx(), world.home_permit(), world.home.application.id);
        let expected = match state {
            "suspended" => {
                node.suspend_identity(&ctx, &permit, who, true).await.unwrap();
                "identity_suspended"
            }
            "locked" => {
                let now = ctx.now;
                world.store.write(move |tx| Ok(tx.lock_identity(who, now)?)).await.unwrap();
                "identity_suspended"
            }
            "erased" => {
                node.erase_identity(&ctx, &permit, who).await.unwrap();
                "accepted"
            }
            "project" => {
                node.disable_project(&ctx, &permit, true).await.unwrap();
                "disabled"
            }
            "application" => {
                node.disable_application(&ctx, &permit, application, true).await.unwrap();
                "disabled"
            }
            _ => {
                let sign_in: BTreeSet<_> = [WayIn::Password].into_iter().collect();
                let settings = ApplicationSettings { sign_in, ..ApplicationSettings::default() };
                node.configure_application(&ctx, &permit, application, settings, vec![]).await.unwrap();
                "not_supported"
            }
        };
        let answer = visits(&world, &node, "app-1 fay").await;
        assert_eq!(outcome(&answer), expected, "{state}");
        // Whoever comes after an erasure is somebody new (ATTACKS N90).
        assert!(answer.is_err() || answer.unwrap().identity.id != who, "{state}");
    }
}

#[tokio::test]
async fn many_first_visits_at_once_make_one_account() {
    let (world, node) = world().await;
    let (world, node) = (Arc::new(world), Arc::new(node));
    let visitors = (0..8).map(|_| {
        let (world, node) = (Arc::clone(&world), Arc::clone(&node));
        tokio::spawn(async move { visits(&world, &node, "app-1 fay fay@example.org").await.unwrap().identity.id })
    });
    let mut seen = BTreeSet::new();
    for visitor in visitors.collect::<Vec<_>>() {
        seen.insert(visitor.await.unwrap());
    }
    assert_eq!(seen.len(), 1);
}
