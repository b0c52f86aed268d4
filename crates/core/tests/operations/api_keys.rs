//! API keys: a back end's credential, with a service identity of its own.

use std::time::Duration;

use ringfence_core::{
    authority::{ApiKeyRequest, Authenticated, PresentedCredential},
    caller::Scope,
    credential::Credential,
    error::AuthError,
    event::SecurityEvent,
    identity::IdentityKind,
    secret::RawToken,
    testing::{World, outcome},
    time::Clock as _,
};

use crate::support::world;

async fn show(w: &World, key: &RawToken) -> Result<Authenticated, AuthError> {
    w.authority.authenticate(&w.ctx(), PresentedCredential::ApiKey(key.clone())).await
}

#[tokio::test]
async fn a_key_speaks_for_a_service_with_its_scopes_and_without_a_session() {
    let w = world().await;
    let minted = w.api_key(&[Scope::IdentitiesRead, Scope::SessionsWrite]).await;
    assert!(minted.value.expose().starts_with("rfk_"));
    assert_eq!(w.trail().await, ["operator api_key.created credential"]);
    let who = show(&w, &minted.value).await.unwrap();
    assert_eq!((who.identity.kind, who.identity.id), (IdentityKind::Service, minted.credential.identity));
    assert_eq!(who.identity.profile.nickname.as_deref(), Some("backend"));
    assert!(who.session.is_none() && who.application.is_none());
    let project = w.home.project.id;
    for scope in Scope::EACH {
        let has = [Scope::IdentitiesRead, Scope::SessionsWrite].contains(&scope);
        assert_eq!(who.caller().permit(scope, project).is_ok(), has, "{scope}");
    }
    assert_eq!(w.trail().await, [] as [String; 0]);
}

#[tokio::test]
async fn what_a_key_does_is_in_the_audit_log_under_its_service() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = show(&w, &w.api_key(&[Scope::All]).await.value).await.unwrap();
    let permit = who.caller().permit(Scope::IdentitiesWrite, w.home.project.id).unwrap();
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, true).await.unwrap();
    let entries = w.audited(w.home.project.id).await;
    let suspended = entries.iter().find(|entry| entry.action == "identity.suspended").unwrap();
    assert_eq!(suspended.actor, format!("identity:{}", who.identity.id));
}

#[tokio::test]
async fn who_ends_a_service_ends_its_keys_and_needs_the_right_to_those() {
    let w = world().await;
    let (project, service) = (w.home.project.id, w.api_key(&[]).await.credential.identity);
    let mut clerk = vec![Scope::IdentitiesWrite];
    for expected in ["forbidden", "accepted"] {
        let who = show(&w, &w.api_key(&clerk).await.value).await.unwrap();
        let permit = who.caller().permit(Scope::IdentitiesWrite, project).unwrap();
        let suspended = w.authority.suspend_identity(&w.ctx(), &permit, service, true).await;
        let erased = w.authority.erase_identity(&w.ctx(), &permit, service).await;
        assert_eq!([outcome(&suspended), outcome(&erased)], [expected, expected]);
        clerk.push(Scope::CredentialsWrite);
    }
}

#[tokio::test]
async fn a_key_ends_when_it_is_to() {
    let w = world().await;
    let wanted = ApiKeyRequest {
        label: "nightly".to_owned(),
        scopes: [Scope::All].into_iter().collect(),
        application: Some(w.home.application.id),
        expires_at: Some(w.clock.now() + Duration::from_hours(1)),
        value: None,
    };
    let minted = w.authority.create_api_key(&w.ctx(), &w.home_permit(), wanted).await.unwrap();
    let who = show(&w, &minted.value).await.unwrap();
    assert_eq!(who.application.unwrap().id, w.home.application.id);
    w.clock.advance(Duration::from_hours(1) - Duration::from_millis(1));
    assert_eq!(outcome(&show(&w, &minted.value).await), "accepted");
    w.clock.advance(Duration::from_millis(1));
    assert_eq!(outcome(&show(&w, &minted.value).await), "token_unknown");
}

#[tokio::test]
async fn a_revoked_key_is_as_good_as_none_and_stays_listed() {
    let w = world().await;
    let (one, two) = (w.api_key(&[]).await, w.api_key(&[]).await);
    w.trail().await;
    w.authority.revoke_api_key(&w.ctx(), &w.home_permit(), one.credential.id).await.unwrap();
    assert_eq!(outcome(&show(&w, &one.value).await), "token_unknown");
    assert_eq!(outcome(&show(&w, &two.value).await), "accepted");
    assert_eq!(w.trail().await, ["operator api_key.revoked credential"]);
    assert_eq!(w.bus.take(), [SecurityEvent::CredentialChanged(one.credential.identity)]);
    let keys = w.authority.api_keys(&w.home_permit(), None, 10).await.unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys.iter().filter(|key| key.revoked_at.is_some()).count(), 1);
    // Again is no failure, and says nothing more.
    w.authority.revoke_api_key(&w.ctx(), &w.home_permit(), one.credential.id).await.unwrap();
    assert_eq!((w.trail().await, w.bus.take()), (vec![], vec![]));
}

#[tokio::test]
async fn a_key_is_replaced_by_its_like_while_it_counts_and_within_its_project() {
    let w = world().await;
    let wanted = ApiKeyRequest {
        label: "nightly".to_owned(),
        scopes: [Scope::SessionsWrite].into_iter().collect(),
        application: Some(w.home.application.id),
        expires_at: Some(w.clock.now() + Duration::from_hours(1)),
        value: None,
    };
    let one = w.authority.create_api_key(&w.ctx(), &w.home_permit(), wanted).await.unwrap();
    let id = one.credential.id;
    let replace = async |permit| w.authority.replace_api_key(&w.ctx(), &permit, id).await;
    let two = replace(w.home_permit()).await.unwrap();
    let likeness = |key: &Credential| (key.label.clone(), key.scopes.clone(), key.application, key.expires_at);
    assert_eq!(likeness(&two.credential), likeness(&one.credential));
    for key in [&one, &two] {
        assert_eq!(outcome(&show(&w, &key.value).await), "accepted");
    }
    let elsewhere = w.place("elsewhere").await;
    assert_eq!(outcome(&replace(w.permit(elsewhere.project.id)).await), "not_found");
    let clerk = show(&w, &w.api_key(&[Scope::CredentialsWrite]).await.value).await.unwrap();
    let weak = clerk.caller().permit(Scope::CredentialsWrite, w.home.project.id).unwrap();
    assert_eq!(outcome(&replace(weak).await), "forbidden");
    w.clock.advance(Duration::from_hours(1));
    assert_eq!(outcome(&replace(w.home_permit()).await), "not_found");
    let three = w.api_key(&[]).await.credential.id;
    w.authority.revoke_api_key(&w.ctx(), &w.home_permit(), three).await.unwrap();
    assert_eq!(outcome(&w.authority.replace_api_key(&w.ctx(), &w.home_permit(), three).await), "not_found");
}

#[tokio::test]
async fn a_key_that_nobody_issued_is_unknown() {
    let w = world().await;
    for text in ["", "rfk_", "x", "KEY0190-0123456789abcdef", "Bearer x", "a.b.c"] {
        assert_eq!(outcome(&show(&w, &RawToken::new(text)).await), "token_unknown", "{text}");
    }
}

#[tokio::test]
async fn a_value_from_elsewhere_is_taken_and_stored_as_a_digest_only() {
    let w = world().await;
    let value = RawToken::new("KEY0190-0123456789abcdef");
    let wanted = ApiKeyRequest {
        label: "provisioned".to_owned(),
        scopes: [Scope::All].into_iter().collect(),
        application: None,
        expires_at: None,
        value: Some(value.clone()),
    };
    let minted = w.authority.create_api_key(&w.ctx(), &w.home_permit(), wanted).await.unwrap();
    assert_eq!(minted.value.expose(), value.expose());
    assert_eq!(minted.credential.lookup, Some(value.digest()));
    assert_eq!(outcome(&show(&w, &value).await), "accepted");
}
