//! Assertions that we sign, and those that name somebody beside them or nobody at all.

use std::time::Duration;

use ringfence_core::{
    application::ApplicationSettings,
    authority::{AssertionRequest, Authenticated, IssuedToken, PresentedCredential},
    caller::Scope,
    error::AuthError,
    identity::IdentityKind,
    ids::IssuerId,
    jose::{Alg, SigningKeyPair},
    project::ProjectRef,
    secret::RawToken,
    session::SessionsOf,
    testing::{SHORT_ASSERTIONS, World, outcome},
    time::Clock as _,
};
use serde_json::{Value, json};

use crate::support::world;

/// A world whose home application trusts a signer of short assertions, and the secret.
async fn trusting() -> (World, RawToken) {
    let w = world().await;
    let application = w.home.application.id;
    let trusted = w.authority.trust_issuer(&w.ctx(), &w.home_permit(), application, SHORT_ASSERTIONS.name, None).await;
    let secret = trusted.unwrap();
    (w, secret)
}

fn home(w: &World) -> ProjectRef {
    ProjectRef::Alias { scheme: "test:application", value: w.home.application.id.short() }
}

fn wanted(w: &World) -> AssertionRequest {
    AssertionRequest { application: home(w), profile: &SHORT_ASSERTIONS, lifetime: Duration::from_mins(5) }
}

/// What a bearer is told who claims to be `claimed`.
async fn shown(w: &World, jwt: &RawToken, claimed: &str) -> Result<Authenticated, AuthError> {
    let presented = PresentedCredential::Assertion {
        project: home(w),
        jwt: jwt.clone(),
        profile: &SHORT_ASSERTIONS,
        claimed: Some(claimed.to_owned()),
    };
    w.authority.authenticate(&w.ctx(), presented).await
}

/// A back end's assertion.
fn signed(w: &World, secret: &RawToken, user: &str) -> RawToken {
    let now = w.clock.now().seconds();
    let claims = json!({
        "claims": { "user": user }, "sub": w.home.application.id.short(), "aud": "ringfence", "iat": now, "exp": now + 300,
    });
    let key = SigningKeyPair::from_bytes(Alg::HS256, secret.expose().as_bytes()).unwrap();
    key.mint(None, "JWT", &claims).unwrap()
}

async fn issuer_of(w: &World) -> IssuerId {
    let issuers = w.authority.issuers(&w.home_permit(), w.home.application.id).await.unwrap();
    issuers.iter().find(|issuer| issuer.profile == SHORT_ASSERTIONS.name).unwrap().id
}

#[tokio::test]
async fn an_assertion_speaks_of_whom_the_request_claims_to_be_or_counts_for_nothing() {
    let (w, secret) = trusting().await;
    let jwt = signed(&w, &secret, "eve");
    assert_eq!(outcome(&shown(&w, &jwt, "ann").await), "token_claims");
    let eve = shown(&w, &jwt, "eve").await.unwrap();
    assert_eq!(eve.identity.kind, IdentityKind::External);
    assert_eq!(outcome(&shown(&w, &jwt, "ann").await), "token_claims", "nor once it is known");
    assert_eq!(shown(&w, &jwt, "eve").await.unwrap().session, eve.session);
}

#[tokio::test]
async fn an_assertion_for_anybody_counts_where_the_application_says_so() {
    let (w, secret) = trusting().await;
    let jwt = signed(&w, &secret, "ANYBODY");
    assert_eq!(outcome(&shown(&w, &jwt, "ann").await), "token_claims");
    let settings = ApplicationSettings { assertion_wildcard: true, ..w.home.application.settings.clone() };
    let (permit, id) = (w.home_permit(), w.home.application.id);
    w.authority.configure_application(&w.ctx(), &permit, id, settings, vec![]).await.unwrap();
    let [ann, ben] = [shown(&w, &jwt, "ann").await.unwrap(), shown(&w, &jwt, "ben").await.unwrap()];
    assert_ne!(ann.identity.id, ben.identity.id);
    let of = SessionsOf::Session(ann.session.unwrap().id);
    w.authority.revoke_sessions(&w.ctx(), &permit, of).await.unwrap();
    assert_eq!(outcome(&shown(&w, &jwt, "ann").await), "session_revoked");
    assert_eq!(outcome(&shown(&w, &jwt, "ben").await), "accepted");
    let nobody = PresentedCredential::Assertion { project: home(&w), jwt, profile: &SHORT_ASSERTIONS, claimed: None };
    assert_eq!(outcome(&w.authority.authenticate(&w.ctx(), nobody).await), "token_claims");
}

#[tokio::test]
async fn an_issuer_speaks_for_an_account_only_where_it_is_a_member() {
    let (w, secret) = trusting().await;
    let ann = w.member("ann").await;
    let id = ann.identity.id.to_string();
    assert_eq!(outcome(&shown(&w, &signed(&w, &secret, &id), &id).await), "token_claims");
    w.give_role(&ann, "agent").await;
    let who = shown(&w, &signed(&w, &secret, &id), &id).await.unwrap();
    assert_eq!((who.identity.id, who.identity.kind), (ann.identity.id, IdentityKind::Member));
}

/// An assertion for ann's own account, with her session.
async fn issued(w: &World) -> (Authenticated, IssuedToken) {
    let ann = w.member("ann").await;
    let ann = w.sign_in(&ann).await;
    w.trail().await;
    let issued = w.authority.issue_assertion(&w.ctx(), &ann, wanted(w)).await.unwrap();
    (ann, issued)
}

#[tokio::test]
async fn an_assertion_of_ours_looks_like_a_back_end_s_and_is_its_account_s() {
    let (w, _) = trusting().await;
    let (ann, issued) = issued(&w).await;
    let mut trail = w.trail().await;
    trail.sort();
    assert_eq!(trail, ["identity assertion.issued application", "identity session.started session"]);
    let id = ann.identity.id.to_string();
    let who = shown(&w, &issued.token, &id).await.unwrap();
    assert_eq!((who.identity.id, who.identity.kind), (ann.identity.id, IdentityKind::Member));
    let session = who.session.unwrap();
    assert_eq!((session.confined, session.expires_at), (true, issued.expires_at));
    let mut claims = Value::Object(session.claims.clone().unwrap());
    assert!(claims["jti"].take().is_string());
    let now = w.clock.now().seconds();
    assert_eq!(
        claims,
        json!({
            "aud": "ringfence", "sub": w.home.application.id.short(), "claims": { "user": id },
            "iat": now, "exp": now + 300, "jti": null,
        })
    );
    assert_eq!(outcome(&shown(&w, &issued.token, "somebody else").await), "token_claims");
}

#[tokio::test]
async fn an_assertion_of_ours_ends_with_its_account_its_secret_and_its_time() {
    let (w, _) = trusting().await;
    let (ann, one) = issued(&w).await;
    let id = ann.identity.id.to_string();
    let permit = w.home_permit();
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, true).await.unwrap();
    assert_eq!(outcome(&shown(&w, &one.token, &id).await), "identity_suspended");
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, false).await.unwrap();

    let (w, _) = trusting().await;
    let (ann, one) = issued(&w).await;
    let id = ann.identity.id.to_string();
    let issuer = issuer_of(&w).await;
    w.authority.revoke_issuer(&w.ctx(), &w.home_permit(), w.home.application.id, issuer).await.unwrap();
    assert_eq!(outcome(&shown(&w, &one.token, &id).await), "session_revoked");
    let again = w.authority.issue_assertion(&w.ctx(), &ann, wanted(&w)).await;
    assert_eq!(outcome(&again), "not_found", "nobody's secret is left to sign with");

    let (w, _) = trusting().await;
    let (ann, one) = issued(&w).await;
    w.clock.advance(Duration::from_mins(5));
    assert_eq!(outcome(&shown(&w, &one.token, &ann.identity.id.to_string()).await), "token_expired");
}

#[tokio::test]
async fn nobody_signs_for_longer_than_the_profile_allows_or_by_another_s_word() {
    let (w, secret) = trusting().await;
    let (ann, _) = issued(&w).await;
    let long = AssertionRequest { lifetime: Duration::from_hours(9), ..wanted(&w) };
    let long = w.authority.issue_assertion(&w.ctx(), &ann, long).await.unwrap();
    assert_eq!(long.expires_at.since(w.clock.now()), Duration::from_mins(10));
    let id = ann.identity.id.to_string();
    let vouched = shown(&w, &long.token, &id).await.unwrap();
    assert_eq!(outcome(&w.authority.issue_assertion(&w.ctx(), &vouched, wanted(&w)).await), "forbidden");
    let external = shown(&w, &signed(&w, &secret, "eve"), "eve").await.unwrap();
    assert_eq!(outcome(&w.authority.issue_assertion(&w.ctx(), &external, wanted(&w)).await), "forbidden");
    let guest = w.guest().await;
    assert_eq!(outcome(&w.authority.issue_assertion(&w.ctx(), &guest, wanted(&w)).await), "forbidden");
}

#[tokio::test]
async fn a_back_end_has_assertions_signed_for_its_users_and_accounts() {
    let (w, _) = trusting().await;
    let key = w.api_key(&[Scope::TokensIssue]).await;
    let backend = w.authority.authenticate(&w.ctx(), PresentedCredential::ApiKey(key.value)).await.unwrap();
    let permit = backend.caller().permit(Scope::TokensIssue, backend.project.id).unwrap();
    let sign =
        async |subject: &str| w.authority.issue_assertion_for(&w.ctx(), &permit, wanted(&w), subject.to_owned()).await;
    let eve = sign("eve").await.unwrap();
    assert_eq!(shown(&w, &eve.token, "eve").await.unwrap().identity.kind, IdentityKind::External);
    let ann = w.member("ann").await.identity.id;
    let hers = sign(&ann.to_string()).await.unwrap();
    assert_eq!(shown(&w, &hers.token, &ann.to_string()).await.unwrap().identity.id, ann);
    for bad in ["", "ANYBODY", &"x".repeat(256)] {
        assert_eq!(outcome(&sign(bad).await), "invalid", "{bad:?}");
    }
    let guest = w.guest().await.identity.id;
    assert_eq!(outcome(&sign(&guest.to_string()).await), "not_found");
}

#[tokio::test]
async fn n89_an_application_of_another_project_is_none() {
    let (w, _) = trusting().await;
    let (ann, _) = issued(&w).await;
    let other = w.place("elsewhere").await;
    let there = ProjectRef::Alias { scheme: "test:application", value: other.application.id.short() };
    for application in [there, ProjectRef::Alias { scheme: "test:application", value: "nowhere".to_owned() }] {
        let request = AssertionRequest { application, ..wanted(&w) };
        assert_eq!(outcome(&w.authority.issue_assertion(&w.ctx(), &ann, request).await), "app_mismatch");
    }
}
